(* T5 and the sup norm of T6: range, minimum, the inverse of E-GEM, and the largest distance from ReLU. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness Gradient.

Section Peaks.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).
Local Notation n := (INR (2 * N)).
Local Notation F := (F N eps).
Local Notation S := (S N eps).
Local Notation place := (place N eps).

(* The largest distance from ReLU, as x S has it at its peak. *)
Definition depth : R := Rpower eps (1 / n) * Rpower (n - 1) (1 - 1 / n) / n.

Lemma tail_place : tail N eps (place (dip N)) = depth.
Proof.
  assert (A := n_ge N HN). unfold tail. rewrite S_place, S_dip by (trivial; now apply dip_pos).
  unfold Gate.place, depth, dip. replace (1 / (n - 1)) with (/ (n - 1)) by (field; lra).
  assert (E : Rpower (/ (n - 1)) (1 / n) * (n - 1) = Rpower (n - 1) (1 - 1 / n)).
  { rewrite <- (Rpower_1 (n - 1)) at 2 by lra. unfold Rpower at 1 2. rewrite ln_Rinv by lra.
    rewrite <- exp_plus. unfold Rpower. f_equal. ring. }
  rewrite <- E. field. lra.
Qed.

Lemma hump_place : hump N eps (place (turn N)) = place (turn N) * (n ^ 2 - 1) / (4 * n ^ 2).
Proof.
  assert (A := n_ge N HN). assert (H := F_S N eps (place (turn N))). unfold hump.
  replace (F (place (turn N))) with (1 - S (place (turn N))) by lra.
  rewrite S_place, S_turn by (trivial; now apply turn_pos). field. lra.
Qed.

Lemma depth_pos : 0 < depth.
Proof.
  assert (A := n_ge N HN). unfold depth. apply Rdiv_lt_0_compat; [|lra]. apply Rmult_lt_0_compat; apply exp_pos.
Qed.

(* x S rises up to its peak and falls beyond; so does x F S. *)
Lemma tail_up x : 0 < x < place (dip N) -> 0 < tail' N eps x.
Proof.
  intro H. assert (A := n_ge N HN). apply Rmult_lt_0_compat; [now apply S_pos|].
  assert (B := S_before N HN eps He x (dip N) (dip_pos N HN) ltac:(lra)). rewrite S_dip in B by exact HN.
  assert (C := F_S N eps x). replace (F x) with (1 - S x) by lra.
  apply (Rmult_lt_compat_l n) in B; [|lra]. replace (n * ((n - 1) / n)) with (n - 1) in B by (field; lra). lra.
Qed.

Lemma tail_down x : place (dip N) < x -> tail' N eps x < 0.
Proof.
  intro H. assert (A := n_ge N HN). assert (P := S_pos N eps He x).
  assert (B := S_beyond N HN eps He x (dip N) (dip_pos N HN) H). rewrite S_dip in B by exact HN.
  assert (C := F_S N eps x). apply (Rmult_lt_compat_l n) in B; [|lra].
  replace (n * ((n - 1) / n)) with (n - 1) in B by (field; lra).
  assert (0 < S x * - (1 - n * F x)); [|unfold tail'; lra].
  apply Rmult_lt_0_compat; [exact P|]. replace (F x) with (1 - S x) by lra. lra.
Qed.

Lemma hump_up x : 0 < x < place (turn N) -> 0 < hump' N eps x.
Proof.
  intro H. assert (A := n_ge N HN).
  assert (B := S_before N HN eps He x (turn N) (turn_pos N HN) ltac:(lra)). rewrite S_turn in B by exact HN.
  assert (C := F_S N eps x). apply (Rmult_lt_compat_l (2 * n)) in B; [|lra].
  replace (2 * n * ((n - 1) / (2 * n))) with (n - 1) in B by (field; lra).
  apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; [apply F_pos; trivial; lra | now apply S_pos]|].
  replace (F x) with (1 - S x) by lra. lra.
Qed.

Lemma hump_down x : place (turn N) < x -> hump' N eps x < 0.
Proof.
  intro H. assert (A := n_ge N HN). assert (Q := place_pos N eps (turn N)).
  assert (B := S_beyond N HN eps He x (turn N) (turn_pos N HN) H). rewrite S_turn in B by exact HN.
  assert (C := F_S N eps x). apply (Rmult_lt_compat_l (2 * n)) in B; [|lra].
  replace (2 * n * ((n - 1) / (2 * n))) with (n - 1) in B by (field; lra).
  assert (0 < F x * S x * - (1 + n * (S x - F x))); [|unfold hump'; lra].
  apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; [apply F_pos; trivial; lra | now apply S_pos]|].
  replace (F x) with (1 - S x) by lra. lra.
Qed.

Lemma tail_peak x : 0 <= x -> x <> place (dip N) -> tail N eps x < depth.
Proof.
  intros Hx Hn. rewrite <- tail_place.
  apply (peak _ _ (tail_derive N HN eps He) _ x (place_pos N eps _) tail_up tail_down Hx Hn).
Qed.

Lemma hump_peak x : 0 <= x -> x <> place (turn N) -> hump N eps x < place (turn N) * (n ^ 2 - 1) / (4 * n ^ 2).
Proof.
  intros Hx Hn. rewrite <- hump_place.
  apply (peak _ _ (hump_derive N HN eps He) _ x (place_pos N eps _) hump_up hump_down Hx Hn).
Qed.

Lemma tail_le x : 0 <= x -> tail N eps x <= depth.
Proof.
  intro Hx. destruct (Req_dec x (place (dip N))) as [->|H]; [rewrite tail_place; lra|]. now apply Rlt_le, tail_peak.
Qed.

Lemma tail_nonneg x : 0 <= x -> 0 <= tail N eps x.
Proof. intro H. apply Rmult_le_pos; [exact H | now apply Rlt_le, S_pos]. Qed.

Lemma tail_pos x : 0 < x -> 0 < tail N eps x.
Proof. intro H. apply Rmult_lt_0_compat; [exact H | now apply S_pos]. Qed.

Lemma rise_pos x : 0 < x -> 0 < rise N eps x.
Proof. intro H. apply Rmult_lt_0_compat; [exact H | apply F_pos; trivial; lra]. Qed.

Lemma hump_nonneg x : 0 <= x -> 0 <= hump N eps x.
Proof. intro H. apply Rmult_le_pos; [apply Rmult_le_pos; [exact H | now apply F_nonneg] | now apply Rlt_le, S_pos]. Qed.

(* x F S is below x S. *)
Lemma hump_tail x : 0 < x -> hump N eps x < tail N eps x.
Proof.
  intro H. assert (T := tail_pos x H). assert (P := S_pos N eps He x). assert (E := F_S N eps x).
  replace (hump N eps x) with (tail N eps x * (1 - S x)) by (unfold hump, tail; replace (F x) with (1 - S x) by lra; ring).
  assert (0 < tail N eps x * S x) by now apply Rmult_lt_0_compat. lra.
Qed.

(** ** x F takes every value, and its inverse is bracketed *)

Lemma rise_large y : 0 <= y -> exists x, 0 < x /\ y <= rise N eps x.
Proof.
  intro Hy. assert (P := place_pos N eps 1). set (x := 2 * y + place 1 + 1).
  exists x. assert (Hx : 0 < x) by (unfold x; lra). split; [exact Hx|].
  assert (B := S_beyond N HN eps He x 1 Rlt_0_1 ltac:(unfold x; lra)). assert (E := F_S N eps x).
  unfold rise. apply Rle_trans with (x * (1 / 2)); [unfold x; lra|]. apply Rmult_le_compat_l; lra.
Qed.

Lemma rise_onto y : 0 <= y -> exists x, 0 <= x /\ rise N eps x = y.
Proof.
  intro Hy. destruct (rise_large y Hy) as [M [HM L]].
  destruct (IVT_gen (rise N eps) 0 M y) as [x [B E]].
  - intro t. apply continuity_pt_filterlim. apply smooth_continuous. now apply smooth_rise.
  - rewrite rise_0, Rmin_left, Rmax_right by lra. lra.
  - exists x. rewrite Rmin_left in B by lra. split; [lra | exact E].
Qed.

(* With y = x F(x): (eps + x^n) y = x^(n+1), and x - y = eps y / x^n. *)
Lemma rise_bracket x a : 0 < x -> 0 < a -> a ^ (2 * N + 1) = eps * rise N eps x ->
  Rmax (rise N eps x) a < x < rise N eps x + a.
Proof.
  intros Hx Ha E. assert (T := tail_pos x Hx). assert (R := rise_tail N eps x). assert (P := rise_pos x Hx).
  assert (X : 0 < x ^ (2 * N)) by (apply pow_lt; exact Hx).
  assert (I : (eps + x ^ (2 * N)) * rise N eps x = x ^ (2 * N + 1)).
  { unfold rise, Gate.F. rewrite pow_add, pow_1. field. now apply denominator. }
  assert (L : a < x).
  { apply Rnot_le_lt. intro C. assert (x ^ (2 * N + 1) <= a ^ (2 * N + 1)) by (apply pow_incr; lra).
    assert (0 < x ^ (2 * N) * rise N eps x) by now apply Rmult_lt_0_compat. lra. }
  split; [apply Rmax_lub_lt; lra|].
  assert (Q : tail N eps x * x ^ (2 * N) = a ^ (2 * N) * a).
  { transitivity (a ^ (2 * N + 1)); [|rewrite pow_add; ring]. rewrite E.
    unfold tail, rise. rewrite S_eps by exact He. unfold Gate.F. field. now apply denominator. }
  assert (a ^ (2 * N) < x ^ (2 * N)) by (apply pow_lt_base; [lra | lia]).
  assert (tail N eps x < a); [|lra].
  apply (Rmult_lt_reg_r (x ^ (2 * N))); [exact X|]. rewrite Q, Rmult_comm. now apply Rmult_lt_compat_l.
Qed.

Lemma odd_root y : 0 < y -> Rpower y (1 / (n + 1)) ^ (2 * N + 1) = y.
Proof.
  intro H. assert (A := n_ge N HN). rewrite <- Rpower_pow by apply exp_pos. rewrite Rpower_mult, plus_INR.
  change (INR 1) with 1. replace (1 / (n + 1) * (n + 1)) with 1 by (field; lra). now apply Rpower_1.
Qed.
End Peaks.

(** * T5 *)

Theorem t5_range_egem : T5_range_egem.
Proof.
  intros N eps HN He. rewrite egem_glue. split.
  - intro x. unfold relu. sides x.
    + rewrite Rmax_left by lra. lra.
    + rewrite Rmax_right by lra. assert (A := rise_tail N eps x). assert (B := tail_pos N eps He x).
      assert (C := rise_pos N eps He x). lra.
  - intros y Hy. destruct (rise_onto N eps HN He y Hy) as [x [Hx E]]. exists x.
    destruct Hx as [Hx|Hx]; [now rewrite glue_right|]. rewrite glue_left by lra. rewrite <- Hx, rise_0 in E. exact E.
Qed.

Theorem t5_range_gem : T5_range_gem.
Proof. at_one t5_range_egem. Qed.

Theorem t5_inverse_egem : T5_inverse_egem.
Proof.
  intros N eps HN He n y Hy a. destruct (rise_onto N eps HN He y (Rlt_le _ _ Hy)) as [x [Hx E]].
  assert (P : 0 < x). { destruct Hx as [|Z]; trivial. rewrite <- Z, rise_0 in E. lra. }
  assert (V : egem N eps x = y) by (rewrite egem_glue, glue_right; assumption).
  exists x. split; [exact V|]. split.
  - rewrite <- E. apply rise_bracket; trivial; [apply exp_pos|]. rewrite E. apply odd_root; trivial.
    now apply Rmult_lt_0_compat.
  - intros z Hz. assert (Pz : 0 < z).
    { apply Rnot_le_lt. intro C. rewrite egem_glue, glue_left in Hz by exact C. lra. }
    destruct (Rtotal_order z x) as [L|[|L]]; trivial; exfalso.
    + assert (K := t3_increasing_egem N eps HN He z x ltac:(lra) L). lra.
    + assert (K := t3_increasing_egem N eps HN He x z ltac:(lra) L). lra.
Qed.

Theorem t5_inverse_gem : T5_inverse_gem.
Proof. at_one t5_inverse_egem. Qed.

Theorem t5_minimum_segem : T5_minimum_segem.
Proof.
  intros N eps HN He n s. assert (D := depth_pos N eps HN). assert (P := place_pos N eps (dip N)).
  replace (- s * Rpower (n - 1) (1 - 1 / n) / n) with (- depth N eps).
  2: { assert (A := n_ge N HN). unfold depth, s. fold n. field. fold n in A. lra. }
  change (least (segem N eps) (- depth N eps) (fun x => x = - place N eps (dip N))).
  rewrite segem_glue. split; [|split].
  - intro x. sides x; [|lra]. rewrite <- (Ropp_involutive x), tail_odd.
    assert (B := tail_le N eps HN He (- x) ltac:(lra)). lra.
  - intro x. sides x; [|split; lra]. rewrite <- (Ropp_involutive x), tail_odd. split; intro E.
    + destruct (Req_dec (- x) (place N eps (dip N))) as [Q|Q]; [lra|].
      assert (B := tail_peak N eps HN He (- x) ltac:(lra) Q). lra.
    + replace (- x) with (place N eps (dip N)) by lra. now rewrite tail_place.
  - now eexists.
Qed.

Theorem t5_minimum_segem_gated : T5_minimum_segem_gated.
Proof.
  intros N eps HN He n s. assert (P := place_pos N eps (turn N)). assert (A := n_ge N HN).
  set (v := place N eps (turn N) * (n ^ 2 - 1) / (4 * n ^ 2)).
  assert (V : 0 < v).
  { unfold v. fold n in A. apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat|]; trivial; nra. }
  replace (- s * Rpower ((n + 1) / (n - 1)) (1 / n) * (n ^ 2 - 1) / (4 * n ^ 2)) with (- v).
  2: { unfold v, place, turn, s. fold n. field. fold n in A. lra. }
  change (least (segem_gated N eps) (- v) (fun x => x = - place N eps (turn N))).
  rewrite segem_gated_glue. split; [|split].
  - intro x. sides x; [|assert (Q := rise_pos N eps He x); lra]. rewrite <- (Ropp_involutive x), hump_odd.
    destruct (Req_dec (- x) (place N eps (turn N))) as [Q|Q].
    + rewrite Q, hump_place by assumption. fold n. fold v. lra.
    + assert (B := hump_peak N eps HN He (- x) ltac:(lra) Q). fold n in B. fold v in B. lra.
  - intro x. sides x; [|assert (Q := rise_pos N eps He x); split; lra].
    rewrite <- (Ropp_involutive x), hump_odd. split; intro E.
    + destruct (Req_dec (- x) (place N eps (turn N))) as [Q|Q]; [lra|].
      assert (B := hump_peak N eps HN He (- x) ltac:(lra) Q). fold n in B. fold v in B. lra.
    + replace (- x) with (place N eps (turn N)) by lra. now rewrite hump_place.
  - now eexists.
Qed.

(** * T6, p = oo *)

(* The distance from ReLU is x S on one side; on the other it is 0, or x F S. *)
Lemma egem_gap N eps x : egem N eps x - relu x = glue 0 (fun _ => 0) (fun t => - tail N eps t) x.
Proof.
  rewrite egem_glue. unfold relu. assert (A := rise_tail N eps x). sides x.
  - rewrite Rmax_left by lra. lra.
  - rewrite Rmax_right by lra. lra.
Qed.

Lemma segem_gap N eps x : segem N eps x - relu x = glue 0 (tail N eps) (fun _ => 0) x.
Proof.
  rewrite segem_glue. unfold relu. sides x; [rewrite Rmax_left by lra | rewrite Rmax_right by lra]; lra.
Qed.

Lemma segem_gated_gap N eps x :
  segem_gated N eps x - relu x = glue 0 (hump N eps) (fun t => - tail N eps t) x.
Proof.
  rewrite segem_gated_glue. unfold relu. assert (A := rise_tail N eps x). sides x.
  - rewrite Rmax_left by lra. lra.
  - rewrite Rmax_right by lra. lra.
Qed.

(* As eps tends to 0, so does the largest distance. *)
Lemma depth_small N d : (1 <= N)%nat -> 0 < d -> exists e, 0 < e /\ forall eps, 0 < eps < e -> depth N eps <= d.
Proof.
  intros HN Hd. assert (A := n_ge N HN). unfold depth. set (n := INR (2 * N)) in *. set (c := Rpower (n - 1) (1 - 1 / n) / n).
  assert (Hc : 0 < c) by (apply Rdiv_lt_0_compat; [apply exp_pos | lra]).
  exists (Rpower (d / c) n). split; [apply exp_pos|]. intros eps H.
  assert (L : Rpower eps (1 / n) < Rpower (Rpower (d / c) n) (1 / n)).
  { apply Rlt_Rpower_l; [apply Rdiv_lt_0_compat; lra | lra]. }
  rewrite Rpower_mult in L. replace (n * (1 / n)) with 1 in L by (field; lra).
  rewrite Rpower_1 in L by (apply Rdiv_lt_0_compat; lra).
  replace (Rpower eps (1 / n) * Rpower (n - 1) (1 - 1 / n) / n) with (Rpower eps (1 / n) * c)
    by (unfold c; field; lra).
  replace d with (d / c * c) by (field; lra). apply Rmult_le_compat_r; lra.
Qed.

(* Both parts of the statement follow from the first. *)
Lemma uniform (f : nat -> R -> R -> R) (P : nat -> R -> R -> Prop) :
  (forall N eps, (1 <= N)%nat -> 0 < eps -> greatest (fun x => Rabs (f N eps x - relu x)) (depth N eps) (P N eps)) ->
  forall N, (1 <= N)%nat -> forall d, 0 < d -> exists e, 0 < e /\
    forall eps x, 0 < eps < e -> Rabs (f N eps x - relu x) <= d.
Proof.
  intros G N HN d Hd. destruct (depth_small N d HN Hd) as [e [He H]]. exists e. split; [exact He|].
  intros eps x B. destruct (G N eps HN (proj1 B)) as [L _]. exact (Rle_trans _ _ _ (L x) (H eps B)).
Qed.

Section Farthest.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).

(* A distance that is x S on the right, and less than the peak of x S on the left. *)
Lemma farthest_right (l : R -> R) : (forall x, x <= 0 -> Rabs (l x) < depth N eps) ->
  greatest (fun x => Rabs (glue 0 l (fun t => - tail N eps t) x)) (depth N eps) (fun x => x = place N eps (dip N)).
Proof.
  intro L. assert (P := place_pos N eps (dip N)). split; [|split].
  - intro x. sides x; [now apply Rlt_le, L|]. rewrite Rabs_Ropp, Rabs_pos_eq by (apply tail_nonneg; trivial; lra).
    apply tail_le; trivial. lra.
  - intro x. sides x.
    + assert (B := L x). split; intro E; [exfalso; lra | lra].
    + rewrite Rabs_Ropp, Rabs_pos_eq by (apply tail_nonneg; trivial; lra). split; intro E.
      * destruct (Req_dec x (place N eps (dip N))) as [|Q]; trivial.
        assert (B := tail_peak N eps HN He x ltac:(lra) Q). lra.
      * rewrite E. now apply tail_place.
  - now eexists.
Qed.

Lemma egem_farthest :
  greatest (fun x => Rabs (egem N eps x - relu x)) (depth N eps) (fun x => x = place N eps (dip N)).
Proof.
  destruct (farthest_right (fun _ => 0)) as [A [B C]].
  { intros x _. rewrite Rabs_R0. now apply depth_pos. }
  split; [|split]; trivial; intro x; rewrite egem_gap; [apply A | apply B].
Qed.

Lemma segem_gated_farthest :
  greatest (fun x => Rabs (segem_gated N eps x - relu x)) (depth N eps) (fun x => x = place N eps (dip N)).
Proof.
  destruct (farthest_right (hump N eps)) as [A [B C]].
  { intros x Hx. rewrite <- (Ropp_involutive x), hump_odd, Rabs_Ropp, Rabs_pos_eq by (apply hump_nonneg; trivial; lra).
    destruct Hx as [Hx|Hx]; [|rewrite Hx, Ropp_0, hump_0; now apply depth_pos].
    apply Rlt_le_trans with (tail N eps (- x)); [apply hump_tail | apply tail_le]; trivial; lra. }
  split; [|split]; trivial; intro x; rewrite segem_gated_gap; [apply A | apply B].
Qed.

Lemma segem_farthest :
  greatest (fun x => Rabs (segem N eps x - relu x)) (depth N eps) (fun x => x = - place N eps (dip N)).
Proof.
  destruct egem_farthest as [A [B _]]. assert (R := fun x => proj2 (t0_reflection_segem N eps HN He x)).
  split; [|split].
  - intro x. rewrite R. apply A.
  - intro x. rewrite R, B. split; intro; lra.
  - now eexists.
Qed.
End Farthest.

Theorem t6_sup_egem : T6_sup_egem.
Proof. split; [exact egem_farthest | exact (uniform _ _ egem_farthest)]. Qed.

Theorem t6_sup_gem : T6_sup_gem.
Proof. at_one egem_farthest. Qed.

Theorem t6_sup_segem : T6_sup_segem.
Proof. split; [exact segem_farthest | exact (uniform _ _ segem_farthest)]. Qed.

Theorem t6_sup_segem_gated : T6_sup_segem_gated.
Proof. split; [exact segem_gated_farthest | exact (uniform _ _ segem_gated_farthest)]. Qed.
