(* T7: the derivative of each variant is near that of ReLU in L^1, and never in the sup norm. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness Gradient Range Integral.

Section Error.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).
Local Notation n := (INR (2 * N)).
Local Notation tail := (tail N eps).
Local Notation tail' := (tail' N eps).
Local Notation peak := (place N eps (dip N)).

Lemma tail'_even x : tail' (- x) = tail' x.
Proof. unfold Gate.tail'. now rewrite F_even, S_even. Qed.

Lemma tail'_continuous x : continuous tail' x.
Proof.
  assert (A := smooth_F N eps He). assert (B := smooth_S N eps He). apply smooth_continuous.
  unfold Gate.tail'. smoothness.
Qed.

(** ** L^1 *)

(* x S falls like 1/x at least. *)
Lemma tail_below x : 1 <= x -> tail x <= eps / x.
Proof.
  intro H. unfold Gate.tail. rewrite S_eps by exact He. assert (D := denominator_pos N eps He x).
  assert (Q : x ^ 2 <= x ^ (2 * N)) by (apply Rle_pow; [exact H | lia]).
  apply (Rmult_le_reg_r (x * (eps + x ^ (2 * N)))); [apply Rmult_lt_0_compat; lra|].
  replace (x * (eps / (eps + x ^ (2 * N))) * (x * (eps + x ^ (2 * N)))) with (eps * x ^ 2) by (field; lra).
  replace (eps / x * (x * (eps + x ^ (2 * N)))) with (eps * (eps + x ^ (2 * N))) by (field; lra).
  apply Rmult_le_compat_l; lra.
Qed.

Lemma tail_far : is_lim tail p_infty 0.
Proof.
  apply is_lim_spec. intro d. assert (Hd := cond_pos d). exists (Rmax 1 (eps / d)). intros x Hx.
  assert (A := Rmax_l 1 (eps / d)). assert (B := Rmax_r 1 (eps / d)). rewrite Rminus_0_r.
  rewrite Rabs_pos_eq by (apply tail_nonneg; trivial; lra).
  apply Rle_lt_trans with (eps / x); [apply tail_below; lra|].
  apply (Rmult_lt_reg_r x); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
  assert (C : eps / d < x) by lra. apply (Rmult_lt_compat_l d) in C; [|exact Hd].
  replace (d * (eps / d)) with eps in C by (field; lra). lra.
Qed.

(* The integral of the slope of x S is twice its peak. *)
Lemma slope_integral : half (fun x => Rabs (tail' x)) (2 * depth N eps).
Proof.
  assert (P := place_pos N eps (dip N)). apply (half_of _ (fun b => 2 * depth N eps - tail b)).
  - exists peak. intros b Hb. replace (2 * depth N eps - tail b) with (depth N eps + (depth N eps - tail b)) by ring.
    apply (is_RInt_Chasles (fun x => Rabs (tail' x)) 0 peak b (depth N eps) (depth N eps - tail b)).
    + apply (is_RInt_ext tail').
      * intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra. symmetry. apply Rabs_pos_eq, Rlt_le.
        now apply tail_up.
      * replace (depth N eps) with (minus (tail peak) (tail 0)).
        -- apply (is_RInt_derive tail tail'); intros; [now apply tail_derive | apply tail'_continuous].
        -- rewrite tail_place, tail_0 by assumption. unfold minus, plus, opp. simpl. lra.
    + apply (is_RInt_ext (fun x => opp (tail' x))).
      * intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra. symmetry.
        apply Rabs_left. now apply tail_down.
      * replace (depth N eps - tail b) with (opp (minus (tail b) (tail peak))).
        -- apply (is_RInt_opp tail' peak b), (is_RInt_derive tail tail'); intros; [now apply tail_derive | apply tail'_continuous].
        -- rewrite tail_place by assumption. unfold minus, plus, opp. simpl. lra.
  - assert (L := is_lim_minus' _ _ _ _ _ (is_lim_const (2 * depth N eps) p_infty) tail_far).
    now rewrite Rminus_0_r in L.
Qed.

(* What stands on the two sides of 0. *)
Lemma egem_error x : Derive (egem N eps) x - step x = glue 0 (fun _ => 0) (fun t => - tail' t) x.
Proof.
  rewrite egem_Derive by assumption. unfold step. assert (A := rise'_tail' N eps x).
  sides x; destruct (Rle_dec x 0); lra.
Qed.

Lemma segem_error x : Derive (segem N eps) x - step x = glue 0 tail' (fun _ => 0) x.
Proof.
  rewrite segem_Derive by assumption. unfold step. sides x; destruct (Rle_dec x 0); lra.
Qed.

Lemma egem_variation : integral (fun x => Rabs (Derive (egem N eps) x - step x)) (2 * depth N eps).
Proof.
  replace (2 * depth N eps) with (0 + 2 * depth N eps) by ring. apply whole.
  - apply half_ext with (2 := half_0). intros x Hx. rewrite egem_error, glue_left by lra. symmetry. apply Rabs_R0.
  - apply half_ext with (2 := slope_integral). intros x Hx. rewrite egem_error, glue_right by exact Hx.
    symmetry. apply Rabs_Ropp.
Qed.

Lemma segem_variation : integral (fun x => Rabs (Derive (segem N eps) x - step x)) (2 * depth N eps).
Proof.
  replace (2 * depth N eps) with (2 * depth N eps + 0) by ring. apply whole.
  - apply half_ext with (2 := slope_integral). intros x Hx. rewrite segem_error, glue_left by lra.
    now rewrite tail'_even.
  - apply half_ext with (2 := half_0). intros x Hx. rewrite segem_error, glue_right by exact Hx. symmetry. apply Rabs_R0.
Qed.

(** ** The sup norm *)

Local Notation bound := (Rmax 1 ((n - 1) ^ 2 / (4 * n))).

Lemma bound_pos : 0 <= bound.
Proof. apply Rle_trans with 1; [lra | apply Rmax_l]. Qed.

Lemma slope_le x : Rabs (tail' x) <= bound.
Proof.
  assert (A := rise'_tail' N eps x). assert (B := rise'_nonneg N eps HN He x). assert (C := rise'_le N eps HN x).
  assert (D := steepest_minus N HN). apply Rabs_le. split.
  - apply Rle_trans with (- ((n - 1) ^ 2 / (4 * n))); [apply Ropp_le_contravar, Rmax_r | lra].
  - apply Rle_trans with 1; [lra | apply Rmax_l].
Qed.

(* A bound for x > 0 is one at 0, by continuity. *)
Lemma at_0 w : (forall x, 0 < x -> Rabs (tail' x) <= w) -> 1 <= w.
Proof.
  intro H. apply Rnot_lt_le. intro L. rewrite <- (tail'_0 N eps HN He) in L.
  destruct (tail'_continuous 0 (fun y => w < y) (open_gt w _ L)) as [d Hd]. assert (P := cond_pos d).
  assert (Q : w < tail' (d / 2)).
  { apply Hd. change (Rabs (d / 2 - 0) < d). rewrite Rminus_0_r, Rabs_pos_eq; lra. }
  assert (T := H (d / 2) ltac:(lra)). assert (U := Rle_abs (tail' (d / 2))). lra.
Qed.

Lemma at_turn : Rabs (tail' (place N eps (turn N))) = (n - 1) ^ 2 / (4 * n).
Proof.
  assert (A := rise'_tail' N eps (place N eps (turn N))). rewrite <- steepest_minus by exact HN.
  assert (B : rise' N eps (place N eps (turn N)) = steepest N).
  { apply rise'_steepest; trivial. apply u_place; trivial. now apply turn_pos. }
  replace (tail' (place N eps (turn N))) with (- (steepest N - 1)) by lra. rewrite Rabs_Ropp.
  apply Rabs_pos_eq. rewrite steepest_minus by exact HN. assert (C := n_ge N HN).
  apply Rmult_le_pos; [apply pow2_ge_0 | apply Rlt_le, Rinv_0_lt_compat; lra].
Qed.

Lemma slope_least w : (forall x, 0 < x -> Rabs (tail' x) <= w) -> bound <= w.
Proof.
  intro H. apply Rmax_lub; [now apply at_0|]. rewrite <- at_turn. apply H, place_pos.
Qed.

Lemma egem_slope_gap : supremum_off 0 (fun x => Rabs (Derive (egem N eps) x - step x)) bound.
Proof.
  split.
  - intros x _. rewrite egem_error. sides x; [rewrite Rabs_R0; apply bound_pos | rewrite Rabs_Ropp; apply slope_le].
  - intros w H. apply slope_least. intros x Hx. specialize (H x ltac:(lra)).
    now rewrite egem_error, glue_right, Rabs_Ropp in H.
Qed.

Lemma segem_slope_gap : supremum_off 0 (fun x => Rabs (Derive (segem N eps) x - step x)) bound.
Proof.
  split.
  - intros x _. rewrite segem_error. sides x; [apply slope_le | rewrite Rabs_R0; apply bound_pos].
  - intros w H. apply slope_least. intros x Hx. specialize (H (- x) ltac:(lra)).
    rewrite segem_error, glue_left, tail'_even in H by lra. exact H.
Qed.
End Error.

(** * T7 *)

Lemma twice_depth N eps : (1 <= N)%nat -> 2 * depth N eps =
  2 * Rpower eps (1 / INR (2 * N)) * Rpower (INR (2 * N) - 1) (1 - 1 / INR (2 * N)) / INR (2 * N).
Proof. intro HN. assert (A := n_ge N HN). unfold depth. field. lra. Qed.

Theorem t7_l1_egem : T7_l1_egem.
Proof.
  intros N eps HN He n s. unfold s, n. rewrite <- twice_depth by exact HN. now apply egem_variation.
Qed.

Theorem t7_l1_gem : T7_l1_gem.
Proof. at_one t7_l1_egem. Qed.

Theorem t7_l1_segem : T7_l1_segem.
Proof.
  intros N eps HN He n s. unfold s, n. rewrite <- twice_depth by exact HN. now apply segem_variation.
Qed.

Theorem t7_sup_egem : T7_sup_egem.
Proof. exact egem_slope_gap. Qed.

Theorem t7_sup_gem : T7_sup_gem.
Proof. at_one t7_sup_egem. Qed.

Theorem t7_sup_segem : T7_sup_segem.
Proof. exact segem_slope_gap. Qed.
