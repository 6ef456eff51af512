(* T0, T1 and T2: the reflection, the junction lemma, and how smooth each variant is. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements.

(** * What the definitions are made of *)

Lemma egem_glue N eps : egem N eps = glue 0 (fun _ => 0) (rise N eps).
Proof. reflexivity. Qed.

Lemma segem_glue N eps : segem N eps = glue 0 (tail N eps) (fun x => x).
Proof. reflexivity. Qed.

Lemma segem_gated_glue N eps : segem_gated N eps = glue 0 (hump N eps) (rise N eps).
Proof. reflexivity. Qed.

(* GEM(N) is E-GEM(N, 1), by definition: what holds of E-GEM holds of it. *)
Ltac at_one T := intros N HN; exact (T N 1 HN Rlt_0_1).

(** * T0 *)

Theorem t0_reflection_segem : T0_reflection_segem.
Proof.
  intros N eps HN He x. rewrite segem_glue, egem_glue.
  assert (E : glue 0 (tail N eps) (fun x => x) x = x + glue 0 (fun _ => 0) (rise N eps) (- x)).
  { assert (H := rise_tail N eps x). destruct (Rtotal_order x 0) as [L|[Z|G]].
    - rewrite glue_left, glue_right, rise_odd by lra. lra.
    - rewrite !glue_left by lra. rewrite Z. unfold tail. ring.
    - rewrite glue_right, glue_left by lra. ring. }
  split; [exact E|]. rewrite E. unfold relu, Rmax. destruct (Rle_dec 0 x), (Rle_dec 0 (- x)); lra.
Qed.

Theorem t0_reflection_egem : T0_reflection_egem.
Proof.
  intros N eps HN He x. destruct (t0_reflection_segem N eps HN He (- x)) as [A B].
  rewrite Ropp_involutive in A, B. split; lra.
Qed.

Theorem t0_reflection_gem : T0_reflection_gem.
Proof. at_one t0_reflection_egem. Qed.

(** * T1 *)

Theorem t1_junction : T1_junction.
Proof.
  intros a m left right h Hm Hl Hr Hh Ha E. split; [|split; [|split]].
  - now apply junction_class with h.
  - now apply glue_smooth_off.
  - now apply glue_jumps.
  - now apply differ.
Qed.

(** * T2 *)

Section Orders.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).

(* 1 / (eps + x^n), the smooth factor that is left of every difference. *)
Definition inverse (x : R) : R := / (eps + x ^ (2 * N)).

Lemma smooth_inverse : smooth inverse.
Proof. unfold inverse. smoothness. now apply denominator. Qed.

Lemma inverse_0 : inverse 0 = / eps.
Proof. unfold inverse. rewrite power_0 by exact HN. now rewrite Rplus_0_r. Qed.

Lemma rise_order x : rise N eps x = (x - 0) ^ (2 * N + 1) * inverse x.
Proof. unfold rise, F, inverse. rewrite Rminus_0_r, pow_add. field. now apply denominator. Qed.

Lemma tail_order x : x - tail N eps x = (x - 0) ^ (2 * N + 1) * inverse x.
Proof. rewrite <- rise_order. assert (H := rise_tail N eps x). lra. Qed.

Lemma hump_order x : rise N eps x - hump N eps x = (x - 0) ^ (4 * N + 1) * (inverse x * inverse x).
Proof.
  replace (rise N eps x - hump N eps x) with (rise N eps x * F N eps x) by (unfold rise, hump, S; ring).
  rewrite rise_order. unfold F, Rdiv. fold (inverse x). rewrite !Rminus_0_r.
  replace (4 * N + 1)%nat with (2 * N + 1 + 2 * N)%nat by lia. rewrite (pow_add x (2 * N + 1)). ring.
Qed.

(* x F begins with x^(n+1)/eps, and what follows has order 2n + 1. *)
Lemma rise_start x : rise N eps x = / eps * x ^ (2 * N + 1) + (x - 0) ^ (4 * N + 1) * (- (/ eps) * inverse x).
Proof.
  rewrite rise_order, !Rminus_0_r. replace (4 * N + 1)%nat with (2 * N + 1 + 2 * N)%nat by lia.
  rewrite (pow_add x (2 * N + 1)). unfold inverse. field. split; [now apply denominator | lra].
Qed.

Lemma hump_start x :
  hump N eps x = / eps * x ^ (2 * N + 1) + (x - 0) ^ (4 * N + 1) * (- (/ eps) * inverse x - inverse x * inverse x).
Proof.
  replace (hump N eps x) with (rise N eps x - (rise N eps x - hump N eps x)) by ring.
  rewrite hump_order, rise_start. ring.
Qed.
End Orders.

Theorem t2_smoothness_egem : T2_smoothness_egem.
Proof.
  intros N eps HN He. rewrite egem_glue. replace (2 * N)%nat with (2 * N + 1 - 1)%nat at 1 by lia.
  apply junction_class with (inverse N eps).
  - lia.
  - apply smooth_const.
  - now apply smooth_rise.
  - now apply smooth_inverse.
  - rewrite inverse_0 by exact HN. apply Rinv_neq_0_compat. lra.
  - intro x. rewrite Rminus_0_r. now apply rise_order.
Qed.

Theorem t2_smoothness_gem : T2_smoothness_gem.
Proof. at_one t2_smoothness_egem. Qed.

Theorem t2_smoothness_segem : T2_smoothness_segem.
Proof.
  intros N eps HN He. rewrite segem_glue. replace (2 * N)%nat with (2 * N + 1 - 1)%nat at 1 by lia.
  apply junction_class with (inverse N eps).
  - lia.
  - now apply smooth_tail.
  - apply smooth_id.
  - now apply smooth_inverse.
  - rewrite inverse_0 by exact HN. apply Rinv_neq_0_compat. lra.
  - intro x. now apply tail_order.
Qed.

Theorem t2_smoothness_segem_gated : T2_smoothness_segem_gated.
Proof.
  intros N eps HN He. rewrite segem_gated_glue. replace (4 * N)%nat with (4 * N + 1 - 1)%nat at 1 by lia.
  apply junction_class with (fun x => inverse N eps x * inverse N eps x).
  - lia.
  - now apply smooth_hump.
  - now apply smooth_rise.
  - assert (H := smooth_inverse N eps He). exact (smooth_mult _ _ H H).
  - rewrite inverse_0 by exact HN. apply Rmult_integral_contrapositive; split; apply Rinv_neq_0_compat; lra.
  - intro x. now apply hump_order.
Qed.

Theorem t2_jump_egem : T2_jump_egem.
Proof.
  intros N eps HN He. rewrite egem_glue.
  replace (INR (fact (2 * N + 1)) * 0) with (Derive_n (fun _ => 0) (2 * N + 1) 0).
  - replace (INR (fact (2 * N + 1)) * (1 / eps)) with (Derive_n (rise N eps) (2 * N + 1) 0).
    + apply glue_jumps; [apply smooth_const | now apply smooth_rise].
    + rewrite (Derive_n_top 0 (2 * N + 1) _ (fun _ => 0) (inverse N eps)).
      * rewrite inverse_0 by exact HN. field. lra.
      * apply smooth_const.
      * now apply smooth_inverse.
      * intro x. rewrite rise_order by exact He. ring.
      * rewrite Nat.add_1_r. apply Derive_n_const.
  - rewrite Nat.add_1_r, Derive_n_const. ring.
Qed.

Theorem t2_jump_gem : T2_jump_gem.
Proof. at_one t2_jump_egem. Qed.

Theorem t2_jump_segem : T2_jump_segem.
Proof.
  intros N eps HN He. rewrite segem_glue.
  replace (INR (fact (2 * N + 1)) * 0) with (Derive_n (fun x => x) (2 * N + 1) 0).
  - replace (INR (fact (2 * N + 1)) * (- 1 / eps)) with (Derive_n (tail N eps) (2 * N + 1) 0).
    + apply glue_jumps; [now apply smooth_tail | apply smooth_id].
    + rewrite (Derive_n_top 0 (2 * N + 1) _ (fun x => 1 * x ^ 1) (fun x => - inverse N eps x)).
      * rewrite inverse_0 by exact HN. field. lra.
      * assert (H := smooth_id). smoothness.
      * assert (H := smooth_inverse N eps He). exact (smooth_opp _ H).
      * intro x. assert (E := tail_order N eps He x). lra.
      * apply Derive_n_monomial. lia.
  - rewrite (Derive_n_ext _ (fun x => 1 * x ^ 1)) by (intro; ring). rewrite Derive_n_monomial by lia. ring.
Qed.

Theorem t2_jump_segem_gated : T2_jump_segem_gated.
Proof.
  intros N eps HN He. rewrite segem_gated_glue. assert (H := smooth_inverse N eps He). assert (K := smooth_id).
  assert (P : smooth (fun x => / eps * x ^ (2 * N + 1))) by smoothness.
  replace (INR (fact (4 * N + 1)) * (- 2 / eps ^ 2)) with (Derive_n (hump N eps) (4 * N + 1) 0).
  - replace (INR (fact (4 * N + 1)) * (- 1 / eps ^ 2)) with (Derive_n (rise N eps) (4 * N + 1) 0).
    + apply glue_jumps; [now apply smooth_hump | now apply smooth_rise].
    + rewrite (Derive_n_top 0 (4 * N + 1) _ _ (fun x => - (/ eps) * inverse N eps x) P).
      * rewrite inverse_0 by exact HN. field. lra.
      * smoothness.
      * intro x. now apply rise_start.
      * apply Derive_n_monomial. lia.
  - rewrite (Derive_n_top 0 (4 * N + 1) _ _ (fun x => - (/ eps) * inverse N eps x - inverse N eps x * inverse N eps x) P).
    + rewrite inverse_0 by exact HN. field. lra.
    + smoothness.
    + intro x. now apply hump_start.
    + apply Derive_n_monomial. lia.
Qed.

Theorem t2_poles_egem : T2_poles_egem.
Proof.
  intros N eps HN He. assert (L := smooth_const 0). assert (R := smooth_rise N eps He).
  split; [now apply denominator|]. split; [exact L|]. split; [exact R|]. now apply glue_smooth_off.
Qed.

Theorem t2_poles_gem : T2_poles_gem.
Proof. at_one t2_poles_egem. Qed.

Theorem t2_poles_segem : T2_poles_segem.
Proof.
  intros N eps HN He. assert (L := smooth_tail N eps He). assert (R := smooth_id).
  split; [now apply denominator|]. split; [exact L|]. split; [exact R|]. now apply glue_smooth_off.
Qed.

Theorem t2_poles_segem_gated : T2_poles_segem_gated.
Proof.
  intros N eps HN He. assert (L := smooth_hump N eps He). assert (R := smooth_rise N eps He).
  split; [now apply denominator|]. split; [exact L|]. split; [exact R|]. now apply glue_smooth_off.
Qed.
