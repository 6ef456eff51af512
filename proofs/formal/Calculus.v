(* What derivatives say about a function of a real variable: growth, the place of its maximum, Lipschitz constants. *)
From Gem Require Import Vocabulary.

Section Growth.
Variables g g' : R -> R.
Hypothesis D : forall x, is_derive g x (g' x).

Lemma mean x y : x < y -> exists c, x < c < y /\ g y - g x = g' c * (y - x).
Proof.
  intro H. destruct (MVT_cor2 g g' x y H) as [c [E C]]; [intros t _; now apply is_derive_Reals|].
  now exists c.
Qed.

Lemma increasing x y : x < y -> (forall c, x < c < y -> 0 < g' c) -> g x < g y.
Proof.
  intros H P. destruct (mean x y H) as [c [C E]]. assert (0 < g' c * (y - x)); [|lra].
  apply Rmult_lt_0_compat; [now apply P | lra].
Qed.

Lemma decreasing x y : x < y -> (forall c, x < c < y -> g' c < 0) -> g y < g x.
Proof.
  intros H P. destruct (mean x y H) as [c [C E]]. assert (0 < (- g' c) * (y - x)); [|lra].
  specialize (P c C). apply Rmult_lt_0_compat; lra.
Qed.

(* g rises up to a and falls beyond, so on the half-line it is greatest at a. *)
Lemma peak a x : 0 < a -> (forall t, 0 < t < a -> 0 < g' t) -> (forall t, a < t -> g' t < 0) ->
  0 <= x -> x <> a -> g x < g a.
Proof.
  intros Ha Up Down Hx N. destruct (Rdichotomy _ _ N).
  - apply increasing; [assumption|]. intros c C. apply Up. lra.
  - apply decreasing; [assumption|]. intros c C. apply Down. lra.
Qed.

Lemma lipschitz_bound K x : lipschitz K g -> Rabs (g' x) <= K.
Proof.
  intro L. apply Rnot_lt_le. intro H.
  destruct (proj1 (is_derive_Reals _ _ _) (D x) (Rabs (g' x) - K)) as [d P]; [lra|].
  assert (Hd := cond_pos d). set (h := d / 2).
  assert (h <> 0 /\ 0 < h) as [N Hh] by (unfold h; lra).
  specialize (P h N). rewrite (Rabs_pos_eq h) in P by lra. specialize (P ltac:(unfold h; lra)).
  specialize (L x (x + h)). replace (x + h - x) with h in L by ring. rewrite (Rabs_pos_eq h) in L by lra.
  assert (Q : Rabs ((g (x + h) - g x) / h) <= K).
  { unfold Rdiv. rewrite Rabs_mult, Rabs_inv, (Rabs_pos_eq h) by lra.
    apply (Rmult_le_reg_r h); [exact Hh|]. rewrite Rmult_assoc, Rinv_l by exact N. lra. }
  assert (T := Rabs_triang ((g (x + h) - g x) / h) (g' x - (g (x + h) - g x) / h)).
  replace ((g (x + h) - g x) / h + (g' x - (g (x + h) - g x) / h)) with (g' x) in T by ring.
  rewrite (Rabs_minus_sym (g' x)) in T. lra.
Qed.

(* The Lipschitz constant is the greatest size of the derivative. *)
Lemma lipschitz_is K : (forall x, Rabs (g' x) <= K) -> (exists x, Rabs (g' x) = K) -> lipschitz_constant g K.
Proof.
  intros B [x E]. split.
  - intros y z. apply (bounded_variation g g'). intros t _. now split.
  - intros L H. rewrite <- E. now apply lipschitz_bound.
Qed.
End Growth.

(* Of two bounds one is reached. *)
Lemma Rmax_reached (P : R -> Prop) a b : P a -> P b -> P (Rmax a b).
Proof. intros Ha Hb. unfold Rmax. now destruct (Rle_dec a b). Qed.
