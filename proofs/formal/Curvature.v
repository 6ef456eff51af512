(* T8: the second derivative, its sign, and the only inflection. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness Gradient.

Section Curvature.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).
Local Notation n := (INR (2 * N)).
Local Notation F := (F N eps).
Local Notation S := (S N eps).
Local Notation u := (u N eps).

(* |x| f'', up to its sign on the left. *)
Definition scaled (x : R) : R := n * F x * S x * (1 + n * (S x - F x)).

Lemma rise'_derive x : x <> 0 -> is_derive (rise' N eps) x (scaled x / x).
Proof.
  intro Hx. destruct (F_derive N HN eps He x) as [d [D E]]. unfold rise', Gate.S.
  auto_derive; [split; [|split]; now try exists d|].
  rewrite (is_derive_unique (fun x : R => F x) x d D). replace d with (n * F x * S x / x) by (rewrite <- E; field; exact Hx).
  change (INR (N + (N + 0))) with n. unfold scaled, Gate.S. field. exact Hx.
Qed.

Lemma tail'_derive x : x <> 0 -> is_derive (tail' N eps) x (- scaled x / x).
Proof.
  intro Hx. apply (is_derive_ext (fun t => 1 - rise' N eps t)).
  { intro t. assert (A := rise'_tail' N eps t). lra. }
  replace (- scaled x / x) with (0 - scaled x / x) by (field; exact Hx).
  apply (is_derive_minus (fun _ => 1) (rise' N eps) x 0); [apply (is_derive_const 1 x) | now apply rise'_derive].
Qed.

(* Its sign is that of (n + 1) - (n - 1) u. *)
Lemma scaled_u x : (1 + n * (S x - F x)) * (1 + u x) = (n + 1) - (n - 1) * u x.
Proof.
  assert (P := u_nonneg N eps He x). assert (A := F_S N eps x). replace (F x) with (1 - S x) by lra.
  rewrite S_u by exact He. field. lra.
Qed.

Lemma scaled_signs x : x <> 0 ->
  (u x < turn N -> 0 < scaled x) /\ (u x = turn N -> scaled x = 0) /\ (turn N < u x -> scaled x < 0).
Proof.
  intro Hx. assert (A := n_ge N HN). assert (P := u_nonneg N eps He x). assert (E := scaled_u x).
  assert (Q : 0 < n * F x * S x).
  { apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; [lra | now apply F_pos] | now apply S_pos]. }
  assert (T : (n - 1) * turn N = n + 1) by (unfold turn; field; lra).
  set (k := 1 + n * (S x - F x)) in *. change (scaled x) with (n * F x * S x * k).
  split; [|split]; intro H.
  - apply Rmult_lt_0_compat; [exact Q|]. apply (Rmult_lt_compat_l (n - 1)) in H; [|lra].
    apply (Rmult_lt_reg_r (1 + u x)); lra.
  - rewrite H in E at 2. assert (Z : k * (1 + u x) = 0) by lra. apply Rmult_integral in Z as [Z|Z]; [rewrite Z; ring | lra].
  - apply (Rmult_lt_compat_l (n - 1)) in H; [|lra].
    assert (k < 0) by (apply (Rmult_lt_reg_r (1 + u x)); lra).
    assert (0 < n * F x * S x * - k) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

(* The statement, from a second derivative that is |x|^(-1) times that. *)
Lemma curvature f x : x <> 0 -> is_derive_n f 2 x (scaled x / Rabs x) ->
  is_derive_n f 2 x (scaled x / Rabs x) /\ (u x < turn N -> 0 < Derive_n f 2 x) /\
  (u x = turn N -> Derive_n f 2 x = 0) /\ (turn N < u x -> Derive_n f 2 x < 0).
Proof.
  intros Hx D. split; [exact D|]. rewrite (is_derive_n_unique _ _ _ _ D).
  assert (I := Rinv_0_lt_compat _ (Rabs_pos_lt _ Hx)). destruct (scaled_signs x Hx) as [A [B C]].
  split; [|split]; intro H; unfold Rdiv.
  - apply Rmult_lt_0_compat; [now apply A | exact I].
  - rewrite (B H). ring.
  - assert (0 < - scaled x * / Rabs x) by (apply Rmult_lt_0_compat; [specialize (C H); lra | exact I]). lra.
Qed.
End Curvature.

Theorem t8_formula_egem : T8_formula_egem.
Proof.
  intros N eps HN He n u x Hx. apply (curvature N eps HN He (egem N eps) x); [lra|].
  change (is_derive (Derive (egem N eps)) x (scaled N eps x / Rabs x)). rewrite Rabs_pos_eq by lra.
  apply (is_derive_ext_loc (rise' N eps)); [|apply rise'_derive; trivial; lra].
  apply filter_imp with (2 := near_right 0 x Hx). intros t Ht. rewrite egem_Derive, glue_right; trivial.
Qed.

Theorem t8_formula_gem : T8_formula_gem.
Proof. at_one t8_formula_egem. Qed.

Theorem t8_formula_segem : T8_formula_segem.
Proof.
  intros N eps HN He n u x Hx. apply (curvature N eps HN He (segem N eps) x); [lra|].
  change (is_derive (Derive (segem N eps)) x (scaled N eps x / Rabs x)). rewrite Rabs_left by exact Hx.
  replace (scaled N eps x / - x) with (- scaled N eps x / x) by (field; lra).
  apply (is_derive_ext_loc (tail' N eps)); [|apply tail'_derive; trivial; lra].
  apply filter_imp with (2 := near_left 0 x Hx). intros t Ht. rewrite segem_Derive, glue_left; trivial. lra.
Qed.
