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
(** * The largest second derivative *)

(* f'' on the right; its derivative has the sign of a quadratic polynomial in u. *)
Definition bend (x : R) : R := scaled x / x.
Definition quadratic (t : R) : R := (n ^ 2 - 1) * t ^ 2 - (4 * n ^ 2 + 2) * t + (n ^ 2 - 1).

Lemma bend_derive x : 0 < x -> exists c, 0 < c /\ is_derive bend x (c * quadratic (u x)).
Proof.
  intro Hx. assert (A := n_ge N HN). destruct (F_derive N HN eps He x) as [d [D E]].
  assert (P := u_nonneg N eps He x). assert (Q := S_u N eps He x). assert (W := F_S N eps x).
  assert (G : 0 < F x) by (apply F_pos; trivial; lra). assert (K := S_pos N eps He x).
  exists (n * F x * S x / (x ^ 2 * (1 + u x) ^ 2)). split.
  - apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat|]; lra|].
    apply Rmult_lt_0_compat; apply pow_lt; lra.
  - apply (is_derive_ext (fun t => n * F t * (1 - F t) * (1 + n * (1 - F t - F t)) / t)); [intro; reflexivity|].
    assert (V : n * F x * S x / (x ^ 2 * (1 + u x) ^ 2) * quadratic (u x) =
      n * ((d * (1 - F x) - F x * d) * (1 + n * (1 - F x - F x)) - 2 * n * F x * (1 - F x) * d) / x -
      n * F x * (1 - F x) * (1 + n * (1 - F x - F x)) / x ^ 2).
    { replace d with (n * F x * S x / x) by (rewrite <- E; field; lra).
      replace (F x) with (u x / (1 + u x)) by (replace (F x) with (1 - S x) by lra; rewrite Q; field; lra).
      rewrite Q. unfold quadratic. field. lra. }
    rewrite V. auto_derive; [repeat split; try (now exists d); lra|].
    rewrite (is_derive_unique (fun x : R => F x) x d D). change (INR (N + (N + 0))) with n. field. lra.
Qed.

(* The smaller root. *)
Definition v : R := (2 * n ^ 2 + 1 - n * sqrt (3 * (n ^ 2 + 2))) / (n ^ 2 - 1).

Lemma v_root : 0 < v < 1 /\ quadratic v = 0.
Proof.
  assert (A := n_ge N HN). unfold v, quadratic. set (r := sqrt (3 * (n ^ 2 + 2))).
  assert (M : 0 < n ^ 2 - 1) by nra. assert (R0 : 0 <= r) by apply sqrt_pos.
  assert (R2 : r * r = 3 * (n ^ 2 + 2)) by (apply sqrt_sqrt; nra).
  assert (L : n * r < 2 * n ^ 2 + 1).
  { apply Rsqr_incrst_0; [unfold Rsqr | apply Rmult_le_pos; lra | nra].
    replace (n * r * (n * r)) with (n ^ 2 * (r * r)) by ring. rewrite R2. nra. }
  assert (U : n ^ 2 + 2 < n * r).
  { apply Rsqr_incrst_0; [unfold Rsqr | nra | apply Rmult_le_pos; lra].
    replace (n * r * (n * r)) with (n ^ 2 * (r * r)) by ring. rewrite R2.
    assert (0 < (n ^ 2 + 2) * (2 * (n ^ 2 - 1))) by (apply Rmult_lt_0_compat; lra). lra. }
  split; [split|].
  - apply Rdiv_lt_0_compat; lra.
  - apply (Rmult_lt_reg_r (n ^ 2 - 1)); [exact M|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - apply (Rmult_eq_reg_r (n ^ 2 - 1)); [|lra]. rewrite Rmult_0_l.
    replace (((n ^ 2 - 1) * ((2 * n ^ 2 + 1 - n * r) / (n ^ 2 - 1)) ^ 2 -
      (4 * n ^ 2 + 2) * ((2 * n ^ 2 + 1 - n * r) / (n ^ 2 - 1)) + (n ^ 2 - 1)) * (n ^ 2 - 1))
      with (n ^ 2 * (r * r) - (2 * n ^ 2 + 1) ^ 2 + (n ^ 2 - 1) ^ 2) by (field; lra).
    rewrite R2. ring.
Qed.

Lemma quadratic_sign t : t <= 1 -> quadratic t = (t - v) * - ((4 * n ^ 2 + 2) - (n ^ 2 - 1) * (t + v)) /\
  0 < (4 * n ^ 2 + 2) - (n ^ 2 - 1) * (t + v).
Proof.
  intro H. destruct v_root as [[V0 V1] E]. assert (A := n_ge N HN). assert (M : 0 < n ^ 2 - 1) by nra. split.
  - replace (quadratic t) with (quadratic t - quadratic v) by lra. unfold quadratic. ring.
  - assert ((n ^ 2 - 1) * (t + v) <= (n ^ 2 - 1) * 2) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma bend_mean x y : 0 < x < y -> exists z c, x < z < y /\ 0 < c /\ bend y - bend x = c * quadratic (u z).
Proof.
  intro H. destruct (MVT_cor2 bend (Derive bend) x y (proj2 H)) as [z [E B]].
  - intros t Ht. apply is_derive_Reals. destruct (bend_derive t ltac:(lra)) as [c [_ D]].
    rewrite (is_derive_unique _ _ _ D). exact D.
  - destruct (bend_derive z ltac:(lra)) as [c [Hc D]]. rewrite (is_derive_unique _ _ _ D) in E.
    exists z, (c * (y - x)). split; [exact B|]. split; [apply Rmult_lt_0_compat; lra|]. rewrite E. ring.
Qed.

(* Up to the scale f'' is greatest where u = v. *)
Lemma bend_peak x : 0 < x -> u x <= 1 -> bend x <= bend (place N eps v).
Proof.
  intros Hx Hu. destruct v_root as [[V0 V1] _]. assert (P := place_pos N eps v). assert (Up := u_place N HN eps He v V0).
  destruct (Rtotal_order x (place N eps v)) as [L|[->|L]]; [| lra |].
  - destruct (bend_mean x (place N eps v)) as [z [c [B [Hc E]]]]; [lra|].
    assert (U := u_lt N HN eps He z (place N eps v) ltac:(lra)). rewrite Up in U.
    destruct (quadratic_sign (u z)) as [Q K]; [lra|]. rewrite Q in E.
    assert (0 < c * ((v - u z) * ((4 * n ^ 2 + 2) - (n ^ 2 - 1) * (u z + v)))) by (repeat apply Rmult_lt_0_compat; lra).
    lra.
  - destruct (bend_mean (place N eps v) x) as [z [c [B [Hc E]]]]; [lra|].
    assert (U := u_lt N HN eps He (place N eps v) z ltac:(lra)). rewrite Up in U.
    assert (W := u_lt N HN eps He z x ltac:(lra)).
    destruct (quadratic_sign (u z)) as [Q K]; [lra|]. rewrite Q in E.
    assert (0 < c * ((u z - v) * ((4 * n ^ 2 + 2) - (n ^ 2 - 1) * (u z + v)))) by (repeat apply Rmult_lt_0_compat; lra).
    lra.
Qed.

(* x f'' as a function of u. *)
Definition swing (t : R) : R := n * t * ((n + 1) - (n - 1) * t) / (1 + t) ^ 3.

Lemma scaled_swing x : scaled x = swing (u x).
Proof.
  assert (P := u_nonneg N eps He x). assert (W := F_S N eps x). unfold scaled, swing.
  replace (F x) with (1 - S x) by lra. rewrite S_u by exact He. field. lra.
Qed.

Lemma swing_pos t : 0 <= t <= 1 -> 0 <= swing t.
Proof.
  intro H. assert (A := n_ge N HN). assert ((n - 1) * t <= (n - 1) * 1) by (apply Rmult_le_compat_l; lra).
  apply Rmult_le_pos; [repeat apply Rmult_le_pos; lra | apply Rlt_le, Rinv_0_lt_compat, pow_lt; lra].
Qed.

(* Beyond the scale x f'' is in size at most what it is at the mirrored place 1/u. *)
Lemma swing_mirror t : 1 <= t -> Rabs (swing t) <= swing (/ t).
Proof.
  intro H. assert (A := n_ge N HN).
  assert (E : swing (/ t) = n * t * ((n + 1) * t - (n - 1)) / (1 + t) ^ 3) by (unfold swing; field; lra).
  assert (C : 0 < n * t / (1 + t) ^ 3) by (apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat | apply pow_lt]; lra).
  rewrite E. unfold swing.
  replace (n * t * ((n + 1) - (n - 1) * t) / (1 + t) ^ 3) with (n * t / (1 + t) ^ 3 * ((n + 1) - (n - 1) * t)) by (field; lra).
  replace (n * t * ((n + 1) * t - (n - 1)) / (1 + t) ^ 3) with (n * t / (1 + t) ^ 3 * ((n + 1) * t - (n - 1))) by (field; lra).
  rewrite Rabs_mult, Rabs_pos_eq by lra. apply Rmult_le_compat_l; [lra|].
  assert (n * 1 <= n * t) by (apply Rmult_le_compat_l; lra). apply Rabs_le. lra.
Qed.

Lemma bend_bound x : 0 < x -> Rabs (bend x) <= bend (place N eps v).
Proof.
  intro Hx. assert (P := u_nonneg N eps He x). assert (I := Rinv_0_lt_compat x Hx).
  destruct (Rle_or_lt (u x) 1) as [H|H].
  - rewrite Rabs_pos_eq; [now apply bend_peak|]. unfold bend. rewrite scaled_swing.
    apply Rmult_le_pos; [apply swing_pos; lra | lra].
  - assert (T : 0 < / u x) by (apply Rinv_0_lt_compat; lra).
    assert (T1 : / u x < 1) by (rewrite <- Rinv_1; apply Rinv_lt_contravar; lra).
    assert (Q := place_pos N eps (/ u x)). assert (Up := u_place N HN eps He _ T).
    assert (Near : place N eps (/ u x) < x).
    { apply Rnot_le_lt. intros [C|C].
      - assert (W := u_lt N HN eps He x (place N eps (/ u x)) ltac:(lra)). lra.
      - rewrite <- C in Up. lra. }
    apply Rle_trans with (bend (place N eps (/ u x))); [|apply bend_peak; [exact Q | lra]].
    unfold bend. rewrite !scaled_swing, Up. unfold Rdiv. rewrite Rabs_mult, (Rabs_pos_eq (/ x)) by lra.
    apply Rmult_le_compat; [apply Rabs_pos | lra | apply swing_mirror; lra | apply Rinv_le_contravar; lra].
Qed.

Lemma bend_value : bend (place N eps v) =
  n * Rpower v (1 - 1 / n) * ((n + 1) - (n - 1) * v) / (Rpower eps (1 / n) * (1 + v) ^ 3).
Proof.
  destruct v_root as [[V0 V1] _]. unfold bend. rewrite scaled_swing, u_place by assumption. unfold swing, place.
  unfold Rminus at 3. rewrite Rpower_plus, Rpower_1, Rpower_Ropp by exact V0.
  assert (0 < Rpower v (1 / n)) by apply exp_pos. assert (0 < Rpower eps (1 / n)) by apply exp_pos. field. lra.
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

(** * The largest second derivative of the family *)

Section Largest.
Variables (N : nat) (eps : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps).

Lemma egem_second x : 0 < x -> Derive_n (egem N eps) 2 x = bend N eps x.
Proof.
  intro Hx. destruct (t8_formula_egem N eps HN He x Hx) as [D _]. rewrite Rabs_pos_eq in D by lra.
  exact (is_derive_n_unique _ _ _ _ D).
Qed.

Lemma egem_second_left x : x <= 0 -> Derive_n (egem N eps) 2 x = 0.
Proof.
  intro Hx. assert (L := smooth_const 0). assert (Q := smooth_rise N eps He).
  assert (E : forall j, (j <= 2 * N)%nat -> Derive_n (fun _ => 0) j 0 = Derive_n (rise N eps) j 0).
  { intros j Hj. refine (agree 0 (2 * N + 1) (fun _ => 0) (rise N eps) (inverse N eps) ltac:(lia) L Q _ _ j ltac:(lia)).
    - exact (smooth_inverse N eps He).
    - intro t. rewrite Rminus_0_r. exact (rise_order N eps He t). }
  rewrite egem_glue, (glue_Derive_n 0 (fun _ => 0) (rise N eps) (2 * N) L Q E 2 x ltac:(lia)).
  rewrite glue_left by exact Hx. exact (Derive_n_const 1 0 x).
Qed.

Lemma egem_largest : (forall x, Rabs (Derive_n (egem N eps) 2 x) <= bend N eps (place N eps (v N))) /\
  Rabs (Derive_n (egem N eps) 2 (place N eps (v N))) = bend N eps (place N eps (v N)).
Proof.
  assert (P := place_pos N eps (v N)). assert (B := bend_bound N eps HN He).
  assert (Q : 0 <= bend N eps (place N eps (v N))).
  { apply Rle_trans with (2 := B _ P). apply Rabs_pos. }
  split.
  - intro x. destruct (Rle_or_lt x 0) as [H|H]; [rewrite egem_second_left, Rabs_R0 by exact H; exact Q|].
    rewrite egem_second by exact H. now apply B.
  - rewrite egem_second by exact P. now apply Rabs_pos_eq.
Qed.

(* By reflection, SE-GEM'' is the mirror image of E-GEM''. *)
Lemma segem_second x : Derive_n (segem N eps) 2 x = Derive_n (egem N eps) 2 (- x).
Proof.
  rewrite (Derive_n_ext _ (fun t => 1 * t ^ 1 + egem N eps (- t))).
  2: { intro t. rewrite (proj1 (t0_reflection_segem N eps HN He t)). ring. }
  assert (C : forall y k, (k <= 2)%nat -> ex_derive_n (egem N eps) k y).
  { intros y k Hk. apply (proj1 (t2_smoothness_egem N eps HN He)). lia. }
  assert (I := smooth_id). rewrite Derive_n_plus.
  - rewrite Derive_n_monomial by lia. rewrite Derive_n_comp_opp; [ring|]. apply filter_forall. exact C.
  - apply smooth_near. smoothness.
  - apply filter_forall. intros y k Hk. apply ex_derive_n_comp_opp. apply filter_forall. intros z j Hj. apply C. lia.
Qed.
End Largest.

Theorem t8_curvature_egem : T8_curvature_egem.
Proof.
  intros N eps HN He n s w m. destruct (egem_largest N eps HN He) as [B E].
  rewrite (bend_value N eps HN He) in B, E. split; [exact B | eexists; exact E].
Qed.

Theorem t8_curvature_gem : T8_curvature_gem.
Proof. at_one t8_curvature_egem. Qed.

Theorem t8_curvature_segem : T8_curvature_segem.
Proof.
  intros N eps HN He n s w m. destruct (egem_largest N eps HN He) as [B E].
  rewrite (bend_value N eps HN He) in B, E. split.
  - intro x. rewrite segem_second by assumption. apply B.
  - exists (- place N eps (v N)). rewrite segem_second, Ropp_involutive by assumption. exact E.
Qed.
