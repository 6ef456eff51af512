(* Functions of class C^oo: closed under what rational functions are made of. *)
From Gem Require Import Vocabulary.

(* f can be differentiated k times on R. Unlike ex_derive_n this is built from the first derivative on. *)
Fixpoint diff (k : nat) (f : R -> R) : Prop :=
  match k with
  | O => True
  | S k => exists f', (forall x, is_derive f x (f' x)) /\ diff k f'
  end.

Lemma diff_ext k f g : (forall x, f x = g x) -> diff k f -> diff k g.
Proof.
  intros E. destruct k as [|k]; [trivial|]. intros [f' [H K]]. exists f'. split; [|exact K].
  intro x. now apply (is_derive_ext f).
Qed.

Lemma diff_pred k : forall f, diff (S k) f -> diff k f.
Proof.
  induction k as [|k IH]; intros f; [now intros _|].
  intros [f' [H K]]. exists f'. split; [exact H|]. now apply IH.
Qed.

Lemma diff_Derive k f : diff (S k) f -> diff k (Derive f).
Proof.
  intros [f' [H K]]. apply diff_ext with (2 := K). intro x. symmetry. now apply is_derive_unique.
Qed.

Lemma Derive_n_S f k x : Derive_n f (S k) x = Derive_n (Derive f) k x.
Proof.
  change (Derive f) with (Derive_n f 1). rewrite Derive_n_comp. now rewrite Nat.add_1_r.
Qed.

Lemma diff_ex_derive_n k : forall f j x, diff k f -> (j <= k)%nat -> ex_derive_n f j x.
Proof.
  induction k as [|k IH]; intros f j x Hf Hj.
  { now replace j with O by lia. }
  destruct j as [|[|j]]; [exact I| |].
  - destruct Hf as [f' [H _]]. now exists (f' x).
  - apply diff_Derive in Hf.
    apply (ex_derive_ext (Derive_n (Derive f) j)); [intro; symmetry; apply Derive_n_S|].
    apply (IH _ (S j) x Hf). lia.
Qed.

Lemma ex_derive_n_diff k : forall f, (forall j x, (j <= k)%nat -> ex_derive_n f j x) -> diff k f.
Proof.
  induction k as [|k IH]; intros f H; [exact I|].
  exists (Derive f). split; [intro x; apply Derive_correct, (H 1%nat); lia|].
  apply IH. intros [|j] x Hj; [exact I|].
  apply (ex_derive_ext (Derive_n f (S j))); [intro; apply Derive_n_S|].
  apply (H (S (S j))). lia.
Qed.

Lemma smooth_diff f : smooth f <-> forall k, diff k f.
Proof.
  split.
  - intros H k. apply ex_derive_n_diff. intros j x _. apply H.
  - intros H k x. now apply (diff_ex_derive_n k).
Qed.

(** ** Closure *)

Lemma diff_const k : forall c, diff k (fun _ => c).
Proof.
  induction k as [|k IH]; intro c; [exact I|]. exists (fun _ => 0). split; [|apply IH].
  intro x. apply (is_derive_const c x).
Qed.

Lemma diff_id k : diff k (fun x => x).
Proof.
  destruct k as [|k]; [exact I|]. exists (fun _ => 1). split; [|apply diff_const].
  intro x. apply (is_derive_id x).
Qed.

Lemma diff_plus k : forall f g, diff k f -> diff k g -> diff k (fun x => f x + g x).
Proof.
  induction k as [|k IH]; intros f g; [now intros|]. intros [f' [Hf Kf]] [g' [Hg Kg]].
  exists (fun x => f' x + g' x). split; [|now apply IH]. intro x. now apply (is_derive_plus f g x).
Qed.

Lemma diff_mult k : forall f g, diff k f -> diff k g -> diff k (fun x => f x * g x).
Proof.
  induction k as [|k IH]; intros f g Hf Hg; [exact I|].
  assert (Lf := diff_pred _ _ Hf). assert (Lg := diff_pred _ _ Hg).
  destruct Hf as [f' [Hf Kf]], Hg as [g' [Hg Kg]].
  exists (fun x => f' x * g x + f x * g' x). split.
  - intro x. apply (is_derive_mult f g x); trivial. intros; apply Rmult_comm.
  - apply diff_plus; now apply IH.
Qed.

Lemma diff_inv k : forall f, (forall x, f x <> 0) -> diff k f -> diff k (fun x => / f x).
Proof.
  induction k as [|k IH]; intros f H Hf; [exact I|].
  assert (Lf := diff_pred _ _ Hf). destruct Hf as [f' [Hf Kf]].
  exists (fun x => - 1 * f' x * (/ f x * / f x)). split.
  - intro x. replace (- 1 * f' x * (/ f x * / f x)) with (- f' x / f x ^ 2) by (field; apply H).
    now apply is_derive_inv.
  - apply diff_mult; [apply diff_mult; [apply diff_const | exact Kf] | apply diff_mult; now apply IH].
Qed.

Lemma smooth_ext f g : (forall x, f x = g x) -> smooth f -> smooth g.
Proof. intros E H k x. now apply (ex_derive_n_ext f). Qed.

Lemma smooth_const c : smooth (fun _ => c).
Proof. apply smooth_diff. intro k. apply diff_const. Qed.

Lemma smooth_id : smooth (fun x => x).
Proof. apply smooth_diff. intro k. apply diff_id. Qed.

Lemma smooth_plus f g : smooth f -> smooth g -> smooth (fun x => f x + g x).
Proof. rewrite !smooth_diff. intros Hf Hg k. now apply diff_plus. Qed.

Lemma smooth_mult f g : smooth f -> smooth g -> smooth (fun x => f x * g x).
Proof. rewrite !smooth_diff. intros Hf Hg k. now apply diff_mult. Qed.

Lemma smooth_inv f : (forall x, f x <> 0) -> smooth f -> smooth (fun x => / f x).
Proof. rewrite !smooth_diff. intros H Hf k. now apply diff_inv. Qed.

Lemma smooth_opp f : smooth f -> smooth (fun x => - f x).
Proof.
  intro Hf. apply smooth_ext with (fun x => - 1 * f x); [intro; ring|].
  exact (smooth_mult _ _ (smooth_const (- 1)) Hf).
Qed.

Lemma smooth_minus f g : smooth f -> smooth g -> smooth (fun x => f x - g x).
Proof. intros Hf Hg. exact (smooth_plus _ _ Hf (smooth_opp _ Hg)). Qed.

Lemma smooth_div f g : (forall x, g x <> 0) -> smooth f -> smooth g -> smooth (fun x => f x / g x).
Proof. intros H Hf Hg. exact (smooth_mult _ _ Hf (smooth_inv _ H Hg)). Qed.

Lemma smooth_pow f n : smooth f -> smooth (fun x => f x ^ n).
Proof.
  intro Hf. induction n as [|n IH]; [exact (smooth_const 1) | exact (smooth_mult _ _ Hf IH)].
Qed.

Lemma smooth_Derive f : smooth f -> smooth (Derive f).
Proof. rewrite !smooth_diff. intros H k. apply diff_Derive, H. Qed.

Lemma smooth_Derive_n f k : smooth f -> smooth (Derive_n f k).
Proof.
  intros H. induction k as [|k IH]; [exact H|]. apply (smooth_Derive _ IH).
Qed.

Lemma smooth_is_derive f x : smooth f -> is_derive f x (Derive f x).
Proof. intro H. apply Derive_correct, (H 1%nat). Qed.

Lemma smooth_continuous f x : smooth f -> continuous f x.
Proof. intro H. apply (ex_derive_continuous f x), (H 1%nat). Qed.

(* What the addition rules of Coquelicot ask for. *)
Lemma smooth_near f n x : smooth f -> locally x (fun y => forall k, (k <= n)%nat -> ex_derive_n f k y).
Proof. intro H. apply filter_forall. intros y k _. apply H. Qed.

Lemma smooth_of_class k f : smooth f -> of_class k f.
Proof. intros H j x _. split; [apply H|]. now apply smooth_continuous, smooth_Derive_n. Qed.

(* Proves that a rational function is smooth, up to denominators that are nowhere 0. *)
Ltac smoothness :=
  repeat match goal with
    | H : smooth ?f |- smooth ?f => exact H
    | |- smooth (fun _ => ?c) => apply (smooth_const c)
    | |- smooth (fun x => x) => apply smooth_id
    | |- smooth (fun x => @?f x + @?g x) => apply (smooth_plus f g)
    | |- smooth (fun x => @?f x - @?g x) => apply (smooth_minus f g)
    | |- smooth (fun x => - @?f x) => apply (smooth_opp f)
    | |- smooth (fun x => @?f x * @?g x) => apply (smooth_mult f g)
    | |- smooth (fun x => @?f x / @?g x) => apply (smooth_div f g)
    | |- smooth (fun x => / @?f x) => apply (smooth_inv f)
    | |- smooth (fun x => @?f x ^ ?n) => apply (smooth_pow f n)
    end.
