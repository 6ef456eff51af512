(* The junction lemma (T1), for any two smooth branches: where their difference is (x - a)^m h(x) with h(a) <> 0, the
   glued function is exactly of class C^(m-1), and its m-th derivative jumps by m! h(a). *)
From Gem Require Import Vocabulary Smooth.

Lemma glue_left a l r x : x <= a -> glue a l r x = l x.
Proof. intro H. unfold glue. destruct (Rle_dec x a); [reflexivity | lra]. Qed.

Lemma glue_right a l r x : a < x -> glue a l r x = r x.
Proof. intro H. unfold glue. destruct (Rle_dec x a); [lra | reflexivity]. Qed.

Lemma glue_ext a l r l' r' x :
  (forall t, t <= a -> l t = l' t) -> (forall t, a < t -> r t = r' t) -> glue a l r x = glue a l' r' x.
Proof. intros Hl Hr. unfold glue. destruct (Rle_dec x a) as [H|H]; [now apply Hl | apply Hr; lra]. Qed.

Lemma near_left a x : x < a -> locally x (fun t => t < a).
Proof. intro H. now apply (open_lt a). Qed.

Lemma near_right a x : a < x -> locally x (fun t => a < t).
Proof. intro H. now apply (open_gt a). Qed.

Lemma near_left_glue a l r x : x < a -> locally x (fun t => l t = glue a l r t).
Proof.
  intro H. apply filter_imp with (2 := near_left a x H). intros t Ht. symmetry. apply glue_left. lra.
Qed.

Lemma near_right_glue a l r x : a < x -> locally x (fun t => r t = glue a l r t).
Proof.
  intro H. apply filter_imp with (2 := near_right a x H). intros t Ht. symmetry. now apply glue_right.
Qed.

(** ** First order *)

Lemma glue_continuous a l r x :
  continuous l x -> continuous r x -> l a = r a -> continuous (glue a l r) x.
Proof.
  intros Hl Hr E. destruct (Rtotal_order x a) as [H|[H|H]].
  - now apply (continuous_ext_loc _ l); [apply near_left_glue|].
  - subst x. intros P [d HP]. rewrite glue_left in HP by lra.
    destruct (Hl P) as [dl Pl]; [now exists d|]. destruct (Hr P) as [dr Pr]; [exists d; now rewrite <- E|].
    assert (Hm : 0 < Rmin dl dr) by (apply Rmin_pos; apply cond_pos).
    exists (mkposreal _ Hm). intros t Ht. change (Rabs (t - a) < Rmin dl dr) in Ht.
    assert (Rabs (t - a) < dl /\ Rabs (t - a) < dr) as [Tl Tr].
    { split; apply (Rlt_le_trans _ _ _ Ht); [apply Rmin_l | apply Rmin_r]. }
    unfold glue. destruct (Rle_dec t a); [now apply Pl | now apply Pr].
  - now apply (continuous_ext_loc _ r); [apply near_right_glue|].
Qed.

Lemma glue_is_derive a l r l' r' x :
  (forall t, is_derive l t (l' t)) -> (forall t, is_derive r t (r' t)) -> l a = r a -> l' a = r' a ->
  is_derive (glue a l r) x (glue a l' r' x).
Proof.
  intros Hl Hr E E'. destruct (Rtotal_order x a) as [H|[H|H]].
  - rewrite glue_left by lra. now apply (is_derive_ext_loc l); [apply near_left_glue|].
  - subst x. rewrite glue_left by lra. apply is_derive_Reals. intros d Hd.
    destruct (proj1 (is_derive_Reals _ _ _) (Hl a) d Hd) as [dl Pl].
    destruct (proj1 (is_derive_Reals _ _ _) (Hr a) d Hd) as [dr Pr].
    assert (Hm : 0 < Rmin dl dr) by (apply Rmin_pos; apply cond_pos).
    exists (mkposreal _ Hm). intros h Hh Hs. simpl in Hs.
    assert (Rabs h < dl /\ Rabs h < dr) as [Tl Tr].
    { split; apply (Rlt_le_trans _ _ _ Hs); [apply Rmin_l | apply Rmin_r]. }
    rewrite (glue_left a l r a) by lra. unfold glue. destruct (Rle_dec (a + h) a).
    + now apply Pl.
    + rewrite E, E'. now apply Pr.
  - rewrite glue_right by lra. now apply (is_derive_ext_loc r); [apply near_right_glue|].
Qed.

Lemma glue_not_derive a l r l' r' :
  is_derive l a l' -> is_derive r a r' -> l a = r a -> l' <> r' -> ~ ex_derive (glue a l r) a.
Proof.
  intros Hl Hr E N [d Hd].
  assert (Hq : 0 < Rabs (r' - l') / 4).
  { assert (0 < Rabs (r' - l')) by (apply Rabs_pos_lt; lra). lra. }
  destruct (proj1 (is_derive_Reals _ _ _) Hl _ Hq) as [dl Pl].
  destruct (proj1 (is_derive_Reals _ _ _) Hr _ Hq) as [dr Pr].
  destruct (proj1 (is_derive_Reals _ _ _) Hd _ Hq) as [dd Pd].
  set (m := Rmin (Rmin dl dr) dd). set (h := m / 2).
  assert (0 < m) by (repeat apply Rmin_pos; apply cond_pos).
  assert (m <= dl /\ m <= dr /\ m <= dd) as [Ml [Mr Md]].
  { assert (A := Rmin_l (Rmin dl dr) dd). assert (B := Rmin_r (Rmin dl dr) dd). fold m in A, B.
    assert (C := Rmin_l dl dr). assert (D := Rmin_r dl dr). lra. }
  assert (Hp : Rabs h = h) by (apply Rabs_pos_eq; unfold h; lra).
  assert (Hn : Rabs (- h) = h) by (rewrite Rabs_Ropp; exact Hp).
  assert (h <> 0 /\ - h <> 0 /\ 0 < h) as [N1 [N2 Pos]] by (unfold h in *; lra).
  specialize (Pl (- h) N2 ltac:(rewrite Hn; unfold h; lra)).
  specialize (Pr h N1 ltac:(rewrite Hp; unfold h; lra)).
  assert (Dl := Pd (- h) N2 ltac:(rewrite Hn; unfold h; lra)).
  assert (Dr := Pd h N1 ltac:(rewrite Hp; unfold h; lra)).
  rewrite !glue_left in Dl by lra. rewrite (glue_left a l r a), glue_right, E in Dr by lra.
  set (p := (l (a + - h) - l a) / - h) in *. set (q := (r (a + h) - r a) / h) in *.
  assert (T := Rabs_triang (r' - q) (q - d)). assert (U := Rabs_triang (d - p) (p - l')).
  assert (V := Rabs_triang (r' - d) (d - l')).
  replace (r' - q + (q - d)) with (r' - d) in T by ring. replace (d - p + (p - l')) with (d - l') in U by ring.
  replace (r' - d + (d - l')) with (r' - l') in V by ring.
  rewrite (Rabs_minus_sym r' q) in T. rewrite (Rabs_minus_sym d p) in U. lra.
Qed.

(** ** Every order *)

(* Branches whose derivatives agree up to order k give a function of class C^k, whose derivatives are theirs. *)
Lemma glue_Derive_n a l r k : smooth l -> smooth r ->
  (forall j, (j <= k)%nat -> Derive_n l j a = Derive_n r j a) ->
  forall j x, (j <= k)%nat -> Derive_n (glue a l r) j x = glue a (Derive_n l j) (Derive_n r j) x.
Proof.
  intros Hl Hr E. induction j as [|j IH]; intros x Hj; [reflexivity|].
  simpl. rewrite (Derive_ext _ _ x (fun t => IH t ltac:(lia))). apply is_derive_unique.
  apply (glue_is_derive a _ _ (Derive_n l (S j)) (Derive_n r (S j))).
  - intro t. apply (smooth_is_derive (Derive_n l j)). now apply smooth_Derive_n.
  - intro t. apply (smooth_is_derive (Derive_n r j)). now apply smooth_Derive_n.
  - apply E. lia.
  - now apply E.
Qed.

Lemma glue_of_class a l r k : smooth l -> smooth r ->
  (forall j, (j <= k)%nat -> Derive_n l j a = Derive_n r j a) -> of_class k (glue a l r).
Proof.
  intros Hl Hr E j x Hj. assert (D := glue_Derive_n a l r k Hl Hr E). split.
  - destruct j as [|j]; [exact I|].
    apply (ex_derive_ext (glue a (Derive_n l j) (Derive_n r j))).
    { intro t. symmetry. apply D. lia. }
    eexists. apply (glue_is_derive a _ _ (Derive_n l (S j)) (Derive_n r (S j))).
    + intro t. apply (smooth_is_derive (Derive_n l j)). now apply smooth_Derive_n.
    + intro t. apply (smooth_is_derive (Derive_n r j)). now apply smooth_Derive_n.
    + apply E. lia.
    + now apply E.
  - apply (continuous_ext (glue a (Derive_n l j) (Derive_n r j))); [intro t; symmetry; now apply D|].
    apply glue_continuous; [| |now apply E]; now apply smooth_continuous, smooth_Derive_n.
Qed.

Lemma glue_smooth_off a l r : smooth l -> smooth r -> smooth_off a (glue a l r).
Proof.
  intros Hl Hr k x Hx. destruct (Rdichotomy _ _ Hx) as [H|H].
  - apply (ex_derive_n_ext_loc l); [now apply near_left_glue | apply Hl].
  - apply (ex_derive_n_ext_loc r); [now apply near_right_glue | apply Hr].
Qed.

(* Whatever happens at a, the one-sided limits of the derivatives are those of the branches. *)
Lemma glue_jumps a l r k : smooth l -> smooth r -> jumps k (glue a l r) a (Derive_n l k a) (Derive_n r k a).
Proof.
  intros Hl Hr. split.
  - apply (filterlim_ext_loc (Derive_n l k)).
    { exists (mkposreal 1 Rlt_0_1). intros y _ Hy. apply Derive_n_ext_loc. now apply near_left_glue. }
    apply (filterlim_filter_le_1 (F := locally a)); [apply filter_le_within|].
    exact (smooth_continuous _ _ (smooth_Derive_n _ _ Hl)).
  - apply (filterlim_ext_loc (Derive_n r k)).
    { exists (mkposreal 1 Rlt_0_1). intros y _ Hy. apply Derive_n_ext_loc. now apply near_right_glue. }
    apply (filterlim_filter_le_1 (F := locally a)); [apply filter_le_within|].
    exact (smooth_continuous _ _ (smooth_Derive_n _ _ Hr)).
Qed.

(** ** A zero of order m *)

Lemma power_is_derive a m x : is_derive (fun t => (t - a) ^ S m) x (INR (S m) * (x - a) ^ m).
Proof. auto_derive; [trivial|]. change (pred (S m)) with m. rewrite Rmult_1_l. reflexivity. Qed.

Lemma zero_Derive_n a m : forall h, smooth h ->
  (forall j, (j < m)%nat -> Derive_n (fun x => (x - a) ^ m * h x) j a = 0) /\
  Derive_n (fun x => (x - a) ^ m * h x) m a = INR (fact m) * h a.
Proof.
  induction m as [|m IH]; intros h Hh.
  { split; [intros; lia|]. simpl. ring. }
  set (h' := fun x => INR (S m) * h x + (x - a) * Derive h x).
  assert (Hh' : smooth h') by (unfold h'; smoothness; now apply smooth_Derive).
  assert (D : forall x, Derive (fun x => (x - a) ^ S m * h x) x = (x - a) ^ m * h' x).
  { intro x. apply is_derive_unique. unfold h'.
    replace ((x - a) ^ m * (INR (S m) * h x + (x - a) * Derive h x))
      with (INR (S m) * (x - a) ^ m * h x + (x - a) ^ S m * Derive h x) by (simpl pow; ring).
    apply (is_derive_mult (fun t => (t - a) ^ S m) h x).
    - apply power_is_derive.
    - now apply smooth_is_derive.
    - intros; apply Rmult_comm. }
  destruct (IH h' Hh') as [Low Top]. split.
  - intros [|j] Hj.
    + simpl. ring.
    + rewrite Derive_n_S, (Derive_n_ext _ _ j a D). apply Low. lia.
  - rewrite Derive_n_S, (Derive_n_ext _ _ m a D), Top. unfold h'. rewrite fact_simpl, mult_INR. ring.
Qed.

(* The m-th derivative of f at a, where f - p vanishes to the order m and p is too short to matter. *)
Lemma Derive_n_top a m f p h : smooth p -> smooth h -> (forall x, f x = p x + (x - a) ^ m * h x) ->
  Derive_n p m a = 0 -> Derive_n f m a = INR (fact m) * h a.
Proof.
  intros Hp Hh E P. rewrite (Derive_n_ext _ _ m a E), Derive_n_plus, P.
  - rewrite (proj2 (zero_Derive_n a m h Hh)). ring.
  - now apply smooth_near.
  - apply smooth_near. smoothness.
Qed.

Lemma Derive_n_monomial c k m x : (k < m)%nat -> Derive_n (fun t => c * t ^ k) m x = 0.
Proof. intro H. rewrite Derive_n_scal_l, Derive_n_pow_bigi by exact H. ring. Qed.

(** ** The junction lemma *)

Section Junction.
Variables (a : R) (m : nat) (l r h : R -> R).
Hypotheses (Hm : (1 <= m)%nat) (Hl : smooth l) (Hr : smooth r) (Hh : smooth h) (Ha : h a <> 0)
  (E : forall x, r x - l x = (x - a) ^ m * h x).

Lemma difference_Derive_n k : Derive_n r k a - Derive_n l k a = Derive_n (fun x => (x - a) ^ m * h x) k a.
Proof.
  rewrite <- (Derive_n_ext _ _ k a E), Derive_n_minus; [reflexivity | |]; now apply smooth_near.
Qed.

Lemma agree j : (j <= m - 1)%nat -> Derive_n l j a = Derive_n r j a.
Proof.
  intro Hj. assert (D := difference_Derive_n j). rewrite (proj1 (zero_Derive_n a m h Hh)) in D by lia. lra.
Qed.

Lemma differ : Derive_n r m a - Derive_n l m a = INR (fact m) * h a.
Proof. rewrite difference_Derive_n. now apply zero_Derive_n. Qed.

Lemma junction_class : exactly_of_class (m - 1) (glue a l r) a.
Proof.
  split; [exact (glue_of_class a l r _ Hl Hr agree)|].
  rewrite Nat.add_1_r. intro H. change (ex_derive (Derive_n (glue a l r) (m - 1)) a) in H.
  apply (glue_not_derive a (Derive_n l (m - 1)) (Derive_n r (m - 1)) (Derive_n l m a) (Derive_n r m a)).
  - replace m with (S (m - 1)) at 2 by lia. now apply smooth_is_derive, smooth_Derive_n.
  - replace m with (S (m - 1)) at 2 by lia. now apply smooth_is_derive, smooth_Derive_n.
  - now apply agree.
  - assert (D := differ). assert (F := INR_fact_lt_0 m). intro C. apply Ha.
    apply (Rmult_eq_reg_l (INR (fact m))); lra.
  - apply ex_derive_ext with (2 := H). intro t. exact (glue_Derive_n a l r _ Hl Hr agree (m - 1) t (le_n _)).
Qed.
End Junction.
