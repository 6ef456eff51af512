(* T3 and T4: the exact range of the first derivative, the Lipschitz constant, and where the derivative is 0. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness.

(** * The derivatives of the three functions *)

Section Slopes.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).
Local Notation n := (INR (2 * N)).
Local Notation F := (F N eps).
Local Notation S := (S N eps).
Local Notation u := (u N eps).
Local Notation place := (place N eps).
Local Notation rise' := (rise' N eps).
Local Notation tail' := (tail' N eps).
Local Notation hump' := (hump' N eps).

(* The greatest slope, and where u has it. *)
Definition steepest : R := (n + 1) ^ 2 / (4 * n).
Definition turn : R := (n + 1) / (n - 1).
Definition dip : R := 1 / (n - 1).

Lemma turn_pos : 0 < turn.
Proof. assert (A := n_ge N HN). apply Rdiv_lt_0_compat; lra. Qed.

Lemma dip_pos : 0 < dip.
Proof. assert (A := n_ge N HN). apply Rdiv_lt_0_compat; lra. Qed.

Lemma S_turn : / (1 + turn) = (n - 1) / (2 * n).
Proof. assert (A := n_ge N HN). unfold turn. field. lra. Qed.

Lemma S_dip : / (1 + dip) = (n - 1) / n.
Proof. assert (A := n_ge N HN). unfold dip. field. lra. Qed.

Lemma rise'_tail' x : rise' x + tail' x = 1.
Proof. unfold Gate.rise', Gate.tail'. assert (H := F_S N eps x). replace (F x) with (1 - S x) by lra. ring. Qed.

Lemma rise'_square x : rise' x = steepest - (2 * n * S x - (n - 1)) ^ 2 / (4 * n).
Proof.
  assert (A := n_ge N HN). unfold Gate.rise', steepest. assert (H := F_S N eps x).
  replace (F x) with (1 - S x) by lra. field. lra.
Qed.

Lemma rise'_le x : rise' x <= steepest.
Proof.
  assert (A := n_ge N HN). rewrite rise'_square.
  assert (0 <= (2 * n * S x - (n - 1)) ^ 2 / (4 * n)); [|lra].
  apply Rmult_le_pos; [apply pow2_ge_0 | apply Rlt_le, Rinv_0_lt_compat; lra].
Qed.

Lemma rise'_steepest x : rise' x = steepest <-> u x = turn.
Proof.
  assert (A := n_ge N HN). rewrite (S_at N eps He x turn turn_pos), S_turn, rise'_square. split; intro H.
  - assert (E : (2 * n * S x - (n - 1)) ^ 2 = 0).
    { replace ((2 * n * S x - (n - 1)) ^ 2) with ((2 * n * S x - (n - 1)) ^ 2 / (4 * n) * (4 * n)) by (field; lra).
      replace ((2 * n * S x - (n - 1)) ^ 2 / (4 * n)) with 0 by lra. ring. }
    assert (Z : 2 * n * S x - (n - 1) = 0) by (destruct (Req_dec (2 * n * S x - (n - 1)) 0) as [|C]; trivial;
      now apply (pow_nonzero _ 2) in C).
    replace (S x) with ((2 * n * S x) / (2 * n)) by (field; lra). f_equal. lra.
  - rewrite H. field. lra.
Qed.

Lemma rise'_nonneg x : 0 <= rise' x.
Proof.
  assert (A := n_ge N HN). apply Rmult_le_pos; [now apply F_nonneg|].
  assert (0 <= n * S x); [apply Rmult_le_pos; [lra | now apply Rlt_le, S_pos] | lra].
Qed.

Lemma rise'_pos x : x <> 0 -> 0 < rise' x.
Proof.
  intro H. assert (A := n_ge N HN). apply Rmult_lt_0_compat; [now apply F_pos|].
  assert (0 <= n * S x); [apply Rmult_le_pos; [lra | now apply Rlt_le, S_pos] | lra].
Qed.

Lemma rise'_0 : rise' 0 = 0.
Proof. unfold Gate.rise'. rewrite F_0 by assumption. ring. Qed.

Lemma tail'_0 : tail' 0 = 1.
Proof. assert (H := rise'_tail' 0). rewrite rise'_0 in H. lra. Qed.

Lemma hump'_0 : hump' 0 = 0.
Proof. unfold Gate.hump'. rewrite F_0 by assumption. ring. Qed.

Lemma tail'_zero x : tail' x = 0 <-> u x = dip.
Proof.
  assert (A := n_ge N HN). rewrite (S_at N eps He x dip dip_pos), S_dip. unfold Gate.tail'.
  assert (P := S_pos N eps He x). assert (H := F_S N eps x). split; intro E.
  - apply Rmult_integral in E as [E|E]; [lra|]. replace (F x) with (1 - S x) in E by lra.
    replace (S x) with (n * S x / n) by (field; lra). f_equal. lra.
  - replace (F x) with (1 - S x) by lra. rewrite E. field. lra.
Qed.

Lemma hump'_zero x : x <> 0 -> (hump' x = 0 <-> u x = turn).
Proof.
  intro Hx. assert (A := n_ge N HN). rewrite (S_at N eps He x turn turn_pos), S_turn. unfold Gate.hump'.
  assert (P := S_pos N eps He x). assert (Q := F_pos N eps He x Hx). assert (H := F_S N eps x). split; intro E.
  - apply Rmult_integral in E as [E|E]; [apply Rmult_integral in E as [E|E]; lra|].
    replace (F x) with (1 - S x) in E by lra.
    replace (S x) with (2 * n * S x / (2 * n)) by (field; lra). f_equal. lra.
  - replace (F x) with (1 - S x) by lra. rewrite E. field. lra.
Qed.

(* The gated tail is nowhere as steep as its right branch. *)
Lemma hump'_lt x : Rabs (hump' x) < steepest.
Proof.
  assert (A := n_ge N HN). unfold Gate.hump'. assert (H := F_S N eps x). assert (P := S_pos N eps He x).
  assert (Q := F_nonneg N HN eps He x). rewrite Rabs_mult.
  assert (B : Rabs (F x * S x) <= 1 / 4).
  { rewrite Rabs_pos_eq by (apply Rmult_le_pos; lra).
    assert (0 <= (S x - F x) ^ 2) by apply pow2_ge_0. replace (S x) with (1 - F x) in * by lra. nra. }
  assert (C : Rabs (1 + n * (S x - F x)) <= n + 1).
  { assert (n * (S x - F x) <= n * 1) by (apply Rmult_le_compat_l; lra).
    assert (n * -1 <= n * (S x - F x)) by (apply Rmult_le_compat_l; lra). apply Rabs_le. lra. }
  apply Rle_lt_trans with (1 / 4 * (n + 1)); [apply Rmult_le_compat; (apply Rabs_pos || assumption)|].
  unfold steepest. replace ((n + 1) ^ 2 / (4 * n)) with (1 / 4 * (n + 1) + (n + 1) / (4 * n)) by (field; lra).
  assert (0 < (n + 1) / (4 * n)) by (apply Rdiv_lt_0_compat; lra). lra.
Qed.

Lemma steepest_pos : 0 < steepest.
Proof. assert (A := n_ge N HN). apply Rdiv_lt_0_compat; [apply pow_lt|]; lra. Qed.

Lemma steepest_minus : steepest - 1 = (n - 1) ^ 2 / (4 * n).
Proof. assert (A := n_ge N HN). unfold steepest. field. lra. Qed.

(* The points of the negative half-line by their u. *)
Lemma at_place_left x c : 0 < c -> x <= 0 -> (u x = c <-> x = - place c).
Proof.
  intros Hc Hx. rewrite <- (u_even N eps x), (at_place N HN eps He (- x) c Hc) by lra. split; lra.
Qed.

Lemma u_place_left c : 0 < c -> u (- place c) = c.
Proof. intro Hc. rewrite u_even. now apply u_place. Qed.
End Slopes.

(** * The derivatives of the family *)

Section Derivatives.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).

Lemma egem_derive x : is_derive (egem N eps) x (glue 0 (fun _ => 0) (rise' N eps) x).
Proof.
  rewrite egem_glue. apply glue_is_derive.
  - intro t. apply (is_derive_const 0 t).
  - intro t. now apply rise_derive.
  - symmetry. apply rise_0.
  - symmetry. now apply rise'_0.
Qed.

Lemma segem_derive x : is_derive (segem N eps) x (glue 0 (tail' N eps) (fun _ => 1) x).
Proof.
  rewrite segem_glue. apply glue_is_derive.
  - intro t. now apply tail_derive.
  - intro t. apply (is_derive_id t).
  - apply tail_0.
  - now apply tail'_0.
Qed.

Lemma segem_gated_derive x : is_derive (segem_gated N eps) x (glue 0 (hump' N eps) (rise' N eps) x).
Proof.
  rewrite segem_gated_glue. apply glue_is_derive.
  - intro t. now apply hump_derive.
  - intro t. now apply rise_derive.
  - now rewrite hump_0, rise_0.
  - rewrite rise'_0 by assumption. now apply hump'_0.
Qed.

Lemma egem_Derive x : Derive (egem N eps) x = glue 0 (fun _ => 0) (rise' N eps) x.
Proof. apply is_derive_unique, egem_derive. Qed.

Lemma segem_Derive x : Derive (segem N eps) x = glue 0 (tail' N eps) (fun _ => 1) x.
Proof. apply is_derive_unique, segem_derive. Qed.

Lemma segem_gated_Derive x : Derive (segem_gated N eps) x = glue 0 (hump' N eps) (rise' N eps) x.
Proof. apply is_derive_unique, segem_gated_derive. Qed.
End Derivatives.

(* Splits a statement about a glued function into one for each side. *)
Ltac sides x :=
  destruct (Rle_or_lt x 0); [rewrite ?(glue_left 0) by lra | rewrite ?(glue_right 0) by lra].

(** * T3 *)

Theorem t3_formula_egem : T3_formula_egem.
Proof.
  intros N eps HN He n x Hx. assert (H := egem_derive N eps HN He x). rewrite glue_right in H by exact Hx. exact H.
Qed.

Theorem t3_formula_gem : T3_formula_gem.
Proof. at_one t3_formula_egem. Qed.

Theorem t3_formula_segem : T3_formula_segem.
Proof.
  intros N eps HN He n x Hx. assert (H := segem_derive N eps HN He x). rewrite glue_left in H by lra. exact H.
Qed.

Theorem t3_formula_segem_gated : T3_formula_segem_gated.
Proof.
  intros N eps HN He n x Hx. assert (H := segem_gated_derive N eps HN He x). rewrite glue_left in H by lra. exact H.
Qed.

Theorem t3_increasing_egem : T3_increasing_egem.
Proof.
  intros N eps HN He x y Hx Hy. apply (increasing _ _ (egem_derive N eps HN He) x y Hy).
  intros c C. rewrite glue_right by lra. apply rise'_pos; trivial. lra.
Qed.

Theorem t3_increasing_gem : T3_increasing_gem.
Proof. at_one t3_increasing_egem. Qed.

Theorem t3_supremum_egem : T3_supremum_egem.
Proof.
  intros N eps HN He n u. assert (P := steepest_pos N HN). split; [|split].
  - intro x. rewrite egem_Derive by assumption. sides x; [exact (Rlt_le _ _ P) | now apply rise'_le].
  - intro x. rewrite egem_Derive by assumption. fold (steepest N) in *. sides x; split; intro E.
    + unfold n in E. fold (steepest N) in E. lra.
    + lra.
    + split; [assumption|]. now apply (rise'_steepest N eps HN He).
    + now apply (rise'_steepest N eps HN He).
  - exists (place N eps (turn N)). split; [apply place_pos|]. apply u_place; trivial. now apply turn_pos.
Qed.

Theorem t3_supremum_gem : T3_supremum_gem.
Proof. at_one t3_supremum_egem. Qed.

Theorem t3_supremum_segem : T3_supremum_segem.
Proof.
  intros N eps HN He. split; intro x; intros; rewrite segem_Derive by assumption; sides x; try lra.
  assert (A := rise'_tail' N eps x). assert (B := rise'_nonneg N eps HN He x). lra.
Qed.

Theorem t3_supremum_segem_gated : T3_supremum_segem_gated.
Proof.
  intros N eps HN He n u. split; [|split].
  - intro x. rewrite segem_gated_Derive by assumption. sides x; [|now apply rise'_le].
    apply Rlt_le, (Rle_lt_trans _ _ _ (Rle_abs _)). now apply hump'_lt.
  - intro x. rewrite segem_gated_Derive by assumption. sides x; split; intro E.
    + assert (L := Rle_lt_trans _ _ _ (Rle_abs _) (hump'_lt N eps HN He x)). rewrite E in L.
      exfalso. exact (Rlt_irrefl _ L).
    + lra.
    + split; [assumption|]. now apply (rise'_steepest N eps HN He).
    + now apply (rise'_steepest N eps HN He).
  - exists (place N eps (turn N)). split; [apply place_pos|]. apply u_place; trivial. now apply turn_pos.
Qed.

Theorem t3_infimum_egem : T3_infimum_egem.
Proof.
  intros N eps HN He. split; intro x; intros; rewrite egem_Derive by assumption; sides x; try lra.
  now apply rise'_nonneg.
Qed.

Theorem t3_infimum_gem : T3_infimum_gem.
Proof. at_one t3_infimum_egem. Qed.

Lemma lowest N : (1 <= N)%nat -> - (INR (2 * N) - 1) ^ 2 / (4 * INR (2 * N)) = 1 - steepest N.
Proof. intro HN. assert (A := n_ge N HN). unfold steepest. field. lra. Qed.

Theorem t3_infimum_segem : T3_infimum_segem.
Proof.
  intros N eps HN He n u. unfold n. rewrite lowest by exact HN. assert (P := steepest_pos N HN). split; [|split].
  - intro x. rewrite segem_Derive by assumption. sides x; [|lra].
    assert (A := rise'_tail' N eps x). assert (B := rise'_le N eps HN x). lra.
  - intro x. rewrite segem_Derive by assumption. sides x; [|split; lra].
    assert (A := rise'_tail' N eps x). assert (B := rise'_steepest N eps HN He x). split; intro E.
    + assert (U : u x = turn N) by (apply B; lra). split; [|exact U].
      destruct (Req_dec x 0) as [Z|]; [|lra]. rewrite Z, tail'_0 in E by assumption. lra.
    + destruct E as [_ E]. apply B in E. lra.
  - exists (- place N eps (turn N)). assert (Q := place_pos N eps (turn N)). split; [lra|].
    apply u_place_left; trivial. now apply turn_pos.
Qed.

Theorem t3_lipschitz_egem : T3_lipschitz_egem.
Proof.
  intros N eps HN He n. apply (lipschitz_is _ _ (egem_derive N eps HN He)).
  - intro x. sides x.
    + rewrite Rabs_R0. exact (Rlt_le _ _ (steepest_pos N HN)).
    + rewrite Rabs_pos_eq by now apply rise'_nonneg. now apply rise'_le.
  - exists (place N eps (turn N)). rewrite glue_right by apply place_pos.
    rewrite Rabs_pos_eq by now apply rise'_nonneg. apply rise'_steepest; trivial. apply u_place; trivial.
    now apply turn_pos.
Qed.

Theorem t3_lipschitz_gem : T3_lipschitz_gem.
Proof. at_one t3_lipschitz_egem. Qed.

Theorem t3_lipschitz_segem_gated : T3_lipschitz_segem_gated.
Proof.
  intros N eps HN He n. apply (lipschitz_is _ _ (segem_gated_derive N eps HN He)).
  - intro x. sides x; [now apply Rlt_le, hump'_lt|]. rewrite Rabs_pos_eq by now apply rise'_nonneg. now apply rise'_le.
  - exists (place N eps (turn N)). rewrite glue_right by apply place_pos.
    rewrite Rabs_pos_eq by now apply rise'_nonneg. apply rise'_steepest; trivial. apply u_place; trivial.
    now apply turn_pos.
Qed.

Lemma slope_small N : (1 <= N <= 2)%nat -> (INR (2 * N) - 1) ^ 2 / (4 * INR (2 * N)) <= 1.
Proof.
  intros [H K]. assert (A := n_ge N H). assert (B : INR (2 * N) <= 4).
  { replace 4 with (INR 4) by (simpl; lra). apply le_INR. lia. }
  apply (Rmult_le_reg_r (4 * INR (2 * N))); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
Qed.

Lemma slope_large N : (3 <= N)%nat -> 1 <= (INR (2 * N) - 1) ^ 2 / (4 * INR (2 * N)).
Proof.
  intro H. assert (B : 6 <= INR (2 * N)) by (replace 6 with (INR 6) by (simpl; lra); apply le_INR; lia).
  apply (Rmult_le_reg_r (4 * INR (2 * N))); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
Qed.

Theorem t3_lipschitz_segem : T3_lipschitz_segem.
Proof.
  intros N eps HN He n. unfold n. split; [|split].
  - apply (lipschitz_is _ _ (segem_derive N eps HN He)).
    + intro x. sides x; [|rewrite Rabs_R1; apply Rmax_l].
      assert (A := rise'_tail' N eps x). assert (B := rise'_nonneg N eps HN He x). assert (C := rise'_le N eps HN x).
      assert (D := steepest_minus N HN). apply Rabs_le. split.
      * apply Rle_trans with (- ((INR (2 * N) - 1) ^ 2 / (4 * INR (2 * N)))); [apply Ropp_le_contravar, Rmax_r | lra].
      * apply Rle_trans with 1; [lra | apply Rmax_l].
    + apply (Rmax_reached (fun K => exists x, Rabs (glue 0 (tail' N eps) (fun _ => 1) x) = K)).
      * exists 1. rewrite glue_right by lra. apply Rabs_R1.
      * assert (Q := place_pos N eps (turn N)). exists (- place N eps (turn N)). rewrite glue_left by lra.
        rewrite <- steepest_minus by exact HN. assert (A := rise'_tail' N eps (- place N eps (turn N))).
        assert (B : rise' N eps (- place N eps (turn N)) = steepest N).
        { apply rise'_steepest; trivial. apply u_place_left; trivial. now apply turn_pos. }
        replace (tail' N eps (- place N eps (turn N))) with (- (steepest N - 1)) by lra.
        rewrite Rabs_Ropp. apply Rabs_pos_eq. rewrite steepest_minus by exact HN. assert (C := n_ge N HN).
        apply Rmult_le_pos; [apply pow2_ge_0 | apply Rlt_le, Rinv_0_lt_compat; lra].
  - intro H. apply Rmax_left, slope_small. lia.
  - intro H. now apply Rmax_right, slope_large.
Qed.

(** * T4 *)

Theorem t4_dead_egem : T4_dead_egem.
Proof.
  intros N eps HN He x. rewrite egem_Derive by assumption. sides x; [tauto|].
  assert (0 < rise' N eps x) by (apply rise'_pos; trivial; lra). split; intros; lra.
Qed.

Theorem t4_dead_gem : T4_dead_gem.
Proof. at_one t4_dead_egem. Qed.

Theorem t4_alive_segem : T4_alive_segem.
Proof.
  intros N eps HN He n s x Hx. rewrite segem_Derive by assumption. assert (P := place_pos N eps (dip N)). sides x.
  - rewrite tail'_zero by assumption. apply at_place_left; trivial. now apply dip_pos.
  - change (1 = 0 <-> x = - place N eps (dip N)). split; lra.
Qed.

Theorem t4_alive_segem_gated : T4_alive_segem_gated.
Proof.
  intros N eps HN He n s x Hx. rewrite segem_gated_Derive by assumption. assert (P := place_pos N eps (turn N)). sides x.
  - rewrite hump'_zero by assumption. apply at_place_left; trivial. now apply turn_pos.
  - assert (Q := rise'_pos N eps HN He x Hx). change (rise' N eps x = 0 <-> x = - place N eps (turn N)). split; lra.
Qed.
