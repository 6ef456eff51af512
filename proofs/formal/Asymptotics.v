(* T9: what is left over far out, and the Taylor series at the junction. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness Gradient Range.

Lemma powerRZ_1_minus x k z : x <> 0 -> z = Z.of_nat k -> powerRZ x (1 - z) = x / x ^ k.
Proof.
  intros H ->. unfold Z.sub. rewrite powerRZ_add by exact H. rewrite powerRZ_neg', <- pow_powerRZ, powerRZ_1.
  reflexivity.
Qed.

Section Far.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).
Local Notation F := (F N eps).
Local Notation S := (S N eps).

Lemma near_power x : x <> 0 -> powerRZ x (1 - 2 * Z.of_nat N) = x / x ^ (2 * N).
Proof. intro H. apply powerRZ_1_minus; [exact H|]. lia. Qed.

Lemma far_power x : x <> 0 -> powerRZ x (1 - 4 * Z.of_nat N) = x / (x ^ (2 * N) * x ^ (2 * N)).
Proof.
  intro H. rewrite (powerRZ_1_minus x (2 * N + 2 * N)) by (trivial; lia). now rewrite pow_add.
Qed.

(* What is left of each function beyond its leading term, in units of x^(1 - 2n). *)
Lemma rise_rest x : x <> 0 ->
  (rise N eps x - (x - eps * powerRZ x (1 - 2 * Z.of_nat N))) / powerRZ x (1 - 4 * Z.of_nat N) = eps ^ 2 * F x.
Proof.
  intro H. rewrite near_power, far_power by exact H. unfold rise, Gate.F. assert (P := power_pos N x H).
  assert (D := denominator_pos N eps He x). field. lra.
Qed.

Lemma tail_rest x : x <> 0 ->
  (tail N eps x - eps * powerRZ x (1 - 2 * Z.of_nat N)) / powerRZ x (1 - 4 * Z.of_nat N) = - eps ^ 2 * F x.
Proof.
  intro H. rewrite near_power, far_power by exact H. unfold tail. rewrite S_eps by exact He. unfold Gate.F.
  assert (P := power_pos N x H). assert (D := denominator_pos N eps He x). field. lra.
Qed.

Lemma hump_rest x : x <> 0 ->
  (hump N eps x - eps * powerRZ x (1 - 2 * Z.of_nat N)) / powerRZ x (1 - 4 * Z.of_nat N) =
  - eps ^ 2 * (F x * (F x + 1)).
Proof.
  intro H. rewrite near_power, far_power by exact H. unfold hump. rewrite S_eps by exact He. unfold Gate.F.
  assert (P := power_pos N x H). assert (D := denominator_pos N eps He x). field. lra.
Qed.

(* F tends to 1 on both sides. *)
Lemma S_small d : 0 < d -> exists M, forall x, M < Rabs x -> S x < d.
Proof.
  intro Hd. exists (place N eps (/ d)). intros x H.
  assert (I : 0 < / d) by now apply Rinv_0_lt_compat.
  assert (B := S_beyond N HN eps He (Rabs x) (/ d) I H).
  assert (E : S (Rabs x) = S x) by (unfold Rabs; destruct (Rcase_abs x); [apply S_even | reflexivity]).
  rewrite E in B. apply (Rlt_le_trans _ _ _ B). replace d with (/ / d) at 2 by (field; lra).
  apply Rinv_le_contravar; lra.
Qed.

Lemma F_far d : 0 < d -> exists M, forall x, M < Rabs x -> Rabs (F x - 1) < d.
Proof.
  intro Hd. destruct (S_small d Hd) as [M H]. exists M. intros x Hx. assert (E := F_S N eps x).
  replace (F x - 1) with (- S x) by lra. rewrite Rabs_Ropp, Rabs_pos_eq by now apply Rlt_le, S_pos. now apply H.
Qed.

Lemma F_right : is_lim F p_infty 1.
Proof.
  apply is_lim_spec. intro d. destruct (F_far d (cond_pos d)) as [M H]. exists M. intros x Hx. apply H.
  apply (Rlt_le_trans _ _ _ Hx), Rle_abs.
Qed.

Lemma F_left : is_lim F m_infty 1.
Proof.
  apply is_lim_spec. intro d. destruct (F_far d (cond_pos d)) as [M H]. exists (- M). intros x Hx. apply H.
  rewrite <- Rabs_Ropp. apply Rlt_le_trans with (- x); [lra | apply Rle_abs].
Qed.

Lemma right_limit (f : R -> R) (c : R) : (forall x, 0 < x -> f x = c * F x) -> is_lim f p_infty c.
Proof.
  intro E. apply (is_lim_ext_loc (fun x => c * F x)).
  - exists 0. intros x Hx. symmetry. now apply E.
  - replace (Finite c) with (Rbar_mult c 1) by (simpl; now rewrite Rmult_1_r). apply is_lim_scal_l, F_right.
Qed.

Lemma left_limit (f : R -> R) (c : R) : (forall x, x < 0 -> f x = c * F x) -> is_lim f m_infty c.
Proof.
  intro E. apply (is_lim_ext_loc (fun x => c * F x)).
  - exists 0. intros x Hx. symmetry. now apply E.
  - replace (Finite c) with (Rbar_mult c 1) by (simpl; now rewrite Rmult_1_r). apply is_lim_scal_l, F_left.
Qed.

(** ** The geometric series in u *)

Lemma u_below x : Rabs x < Rpower eps (1 / INR (2 * N)) -> u N eps x < 1.
Proof.
  intro H. assert (P : place N eps 1 = Rpower eps (1 / INR (2 * N))).
  { unfold place, Rpower at 2. rewrite ln_1, Rmult_0_r, exp_0. ring. }
  rewrite <- (u_place N HN eps He 1 Rlt_0_1). rewrite <- P in H. rewrite <- (Rabs_Rabsolu x) in H.
  replace (u N eps x) with (u N eps (Rabs x)) by (unfold u; now rewrite Rabs_Rabsolu).
  apply u_lt; trivial. rewrite Rabs_Rabsolu in H. split; [apply Rabs_pos | exact H].
Qed.

Lemma u_above x : Rpower eps (1 / INR (2 * N)) <= Rabs x -> 1 <= u N eps x.
Proof.
  intro H. assert (P : place N eps 1 = Rpower eps (1 / INR (2 * N))).
  { unfold place, Rpower at 2. rewrite ln_1, Rmult_0_r, exp_0. ring. }
  rewrite <- (u_place N HN eps He 1 Rlt_0_1). rewrite <- P in H.
  replace (u N eps x) with (u N eps (Rabs x)) by (unfold u; now rewrite Rabs_Rabsolu).
  assert (Q := place_pos N eps 1). destruct H as [H|H]; [apply Rlt_le, u_lt; trivial; lra | rewrite H; lra].
Qed.

Lemma geometric x c : u N eps x < 1 ->
  is_series (fun k => (- 1) ^ k * (x * u N eps x ^ (k + c))) (x * u N eps x ^ c * S x).
Proof.
  intro H. assert (P := u_nonneg N eps He x). rewrite S_u by exact He.
  apply (is_series_ext (fun k => scal (x * u N eps x ^ c) ((- u N eps x) ^ k))).
  - intro k. change (scal (x * u N eps x ^ c) ((- u N eps x) ^ k)) with (x * u N eps x ^ c * (- u N eps x) ^ k).
    rewrite pow_add. replace (- u N eps x) with (-1 * u N eps x) by ring. rewrite Rpow_mult_distr.
    match goal with |- ?a = ?b => change (@eq R a b) end. ring.
  - replace (1 + u N eps x) with (1 - - u N eps x) by ring.
    apply (is_series_scal_l (x * u N eps x ^ c) (fun k => (- u N eps x) ^ k)), is_series_geom.
    rewrite Rabs_Ropp, Rabs_pos_eq by exact P. exact H.
Qed.

Lemma diverges x c : x <> 0 -> 1 <= u N eps x -> ~ ex_series (fun k => (- 1) ^ k * (x * u N eps x ^ (k + c))).
Proof.
  intros Hx H C. apply ex_series_lim_0, is_lim_seq_spec in C.
  destruct (C (mkposreal _ (Rabs_pos_lt _ Hx))) as [K Q]. specialize (Q K (le_n _)). simpl in Q.
  rewrite Rminus_0_r, !Rabs_mult, pow_1_abs, Rmult_1_l in Q.
  rewrite (Rabs_pos_eq (u N eps x ^ (K + c))) in Q by (apply pow_le; lra).
  assert (L := pow_R1_Rle _ (K + c) H). assert (A := Rabs_pos_lt _ Hx).
  apply (Rmult_le_compat_l (Rabs x)) in L; lra.
Qed.
End Far.

(** * T9 *)

Theorem t9_right_egem : T9_right_egem.
Proof.
  intros N eps HN He. apply (right_limit N eps HN He). intros x Hx.
  rewrite egem_glue, glue_right by exact Hx. apply rise_rest; trivial. lra.
Qed.

Theorem t9_right_gem : T9_right_gem.
Proof. at_one t9_right_egem. Qed.

Theorem t9_right_segem_gated : T9_right_segem_gated.
Proof.
  intros N eps HN He. apply (right_limit N eps HN He). intros x Hx.
  rewrite segem_gated_glue, glue_right by exact Hx. apply rise_rest; trivial. lra.
Qed.

Theorem t9_left_segem : T9_left_segem.
Proof.
  intros N eps HN He. apply (left_limit N eps HN He). intros x Hx.
  rewrite segem_glue, glue_left by lra. apply tail_rest; trivial. lra.
Qed.

Theorem t9_left_segem_gated : T9_left_segem_gated.
Proof.
  intros N eps HN He.
  apply (is_lim_ext_loc (fun x => - eps ^ 2 * (F N eps x * (F N eps x + 1)))).
  - exists 0. intros x Hx. rewrite segem_gated_glue, glue_left by lra. symmetry. apply hump_rest; trivial. lra.
  - replace (Finite (- 2 * eps ^ 2)) with (Rbar_mult (- eps ^ 2) (Rbar_mult 1 (Rbar_plus 1 1)))
      by (simpl; apply (f_equal Finite); ring).
    apply is_lim_scal_l. assert (L := F_left N eps HN He). apply is_lim_mult; [exact L| |exact I].
    apply (is_lim_plus _ _ _ 1 1 _ L (is_lim_const 1 m_infty)). reflexivity.
Qed.

Theorem t9_series_egem : T9_series_egem.
Proof.
  intros N eps HN He n s u x Hx. split; intro H.
  - rewrite egem_glue, glue_right by exact Hx.
    replace (rise N eps x) with (x * Gate.u N eps x ^ 1 * S N eps x).
    + apply geometric; trivial. now apply u_below.
    + assert (P := S_pos N eps He x). rewrite u_S by exact He. unfold rise.
      assert (E := F_S N eps x). replace (F N eps x) with (1 - S N eps x) by lra. field. lra.
  - apply (diverges N eps); [lra|]. now apply u_above.
Qed.

Theorem t9_series_gem : T9_series_gem.
Proof. at_one t9_series_egem. Qed.

Theorem t9_series_segem : T9_series_segem.
Proof.
  intros N eps HN He n s u x Hx. split; intro H.
  - rewrite segem_glue, glue_left by lra.
    replace (tail N eps x) with (x * Gate.u N eps x ^ 0 * S N eps x) by (unfold tail; simpl; ring).
    apply geometric; trivial. now apply u_below.
  - apply (diverges N eps); [lra|]. now apply u_above.
Qed.
