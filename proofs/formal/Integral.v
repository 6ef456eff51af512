(* Integrals over the real line, as two integrals over the positive half-line. *)
From Gem Require Import Vocabulary.

Definition half (g : R -> R) (v : R) : Prop := is_RInt_gen g (at_point 0) (Rbar_locally p_infty) v.

(* From the integrals over [0, b], for large b. *)
Lemma half_of g H v : (exists M, forall b, M < b -> is_RInt g 0 b (H b)) -> is_lim H p_infty (Finite v) -> half g v.
Proof.
  intros [M I] L P HP. destruct (L P HP) as [K LK].
  apply (Filter_prod _ _ _ (fun a => a = 0) (fun b => Rmax M K < b)); [reflexivity | now exists (Rmax M K)|].
  intros a b -> Hb. assert (A := Rmax_l M K). assert (B := Rmax_r M K).
  exists (H b). split; [apply I | apply LK]; simpl in *; lra.
Qed.

Lemma half_ext f g v : (forall x, 0 < x -> f x = g x) -> half f v -> half g v.
Proof.
  intro E. apply (is_RInt_gen_ext f g v).
  apply (Filter_prod _ _ _ (fun a => a = 0) (fun b => 0 < b)); [reflexivity | now exists 0|].
  intros a b -> Hb x Hx. simpl in Hx. rewrite Rmin_left in Hx by lra. now apply E.
Qed.

Lemma half_0 : half (fun _ => 0) 0.
Proof.
  apply (half_of _ (fun _ => 0)); [|apply is_lim_const]. exists 0. intros b _.
  assert (I := is_RInt_const 0 b (0 : R)). change (is_RInt (fun _ => 0) 0 b ((b - 0) * 0)) in I.
  now rewrite Rmult_0_r in I.
Qed.

(* The integral over [a, 0] is that of the mirror image over [0, - a]. *)
Lemma mirrored (g : R -> R) (a v : R) : is_RInt (fun x => g (- x)) 0 (- a) v -> is_RInt g a 0 v.
Proof.
  intro I. rewrite <- Ropp_0 in I at 1. apply is_RInt_comp_opp, is_RInt_opp, is_RInt_swap in I.
  rewrite opp_opp in I. apply is_RInt_ext with (2 := I). intros x _. rewrite opp_opp. now rewrite Ropp_involutive.
Qed.

Lemma whole g v w : half (fun x => g (- x)) v -> half g w -> integral g (v + w).
Proof.
  intros L R. apply (is_RInt_gen_Chasles g 0 v w); [|exact R].
  intros P HP. destruct (L P HP) as [A B HA [M HM] I].
  apply (Filter_prod _ _ _ (fun a => B (- a)) (fun b => b = 0)); [exists (- M); intros a Ha; apply HM; lra | reflexivity|].
  intros a b Ha ->. destruct (I 0 (- a) HA Ha) as [y [Iy Py]]. exists y. split; [now apply mirrored | exact Py].
Qed.

(* An integral over the line bounds those over intervals, where the function is nowhere negative. *)
Lemma integral_bound (g : R -> R) (v b w : R) : (forall x, 0 <= g x) -> integral g v -> 0 <= b -> is_RInt g 0 b w -> w <= v + 1.
Proof.
  intros Pos I Hb J. destruct (I (fun y => y < v + 1)) as [A B [MA HA] [MB HB] K].
  { exists (mkposreal 1 Rlt_0_1). intros y Hy. apply Rabs_lt_between in Hy. simpl in Hy. unfold minus, plus, opp in Hy.
    simpl in Hy. lra. }
  set (l := Rmin (MA - 1) (- 1)). set (r := Rmax (MB + 1) (b + 1)).
  assert (l < MA /\ l < 0) as [L1 L2].
  { assert (Q := Rmin_l (MA - 1) (- 1)). assert (T := Rmin_r (MA - 1) (- 1)). unfold l. lra. }
  assert (MB < r /\ b < r) as [R1 R2].
  { assert (Q := Rmax_l (MB + 1) (b + 1)). assert (T := Rmax_r (MB + 1) (b + 1)). unfold r. lra. }
  destruct (K l r (HA l L1) (HB r R1)) as [y [Iy Hy]]. simpl in Iy. apply Rlt_le, Rle_lt_trans with (2 := Hy).
  assert (E : ex_RInt g l r) by now exists y.
  assert (E1 : ex_RInt g l 0) by (apply (ex_RInt_Chasles_1 g l 0 r); [lra | exact E]).
  assert (E2 : ex_RInt g b r).
  { apply (ex_RInt_Chasles_2 g l b r); [lra | exact E]. }
  assert (C := is_RInt_Chasles _ _ _ _ _ _ (is_RInt_Chasles _ _ _ _ _ _ (RInt_correct g l 0 E1) J) (RInt_correct g b r E2)).
  assert (U : y = RInt g l 0 + w + RInt g b r).
  { rewrite <- (is_RInt_unique _ _ _ _ Iy). now apply is_RInt_unique. }
  assert (0 <= RInt g l 0) by (apply RInt_ge_0; trivial; lra).
  assert (0 <= RInt g b r) by (apply RInt_ge_0; trivial; lra). lra.
Qed.

(** ** Increasing, bounded functions converge *)

Lemma monotone_limit (H : R -> R) B : (forall x y, 0 <= x <= y -> H x <= H y) -> (forall x, 0 <= x -> H x <= B) ->
  exists v, is_lim H p_infty (Finite v).
Proof.
  intros Mon Bd.
  destruct (completeness (fun y => exists x, 0 <= x /\ y = H x)) as [v [U L]].
  - exists B. intros y [x [Hx ->]]. now apply Bd.
  - exists (H 0), 0. split; [lra | reflexivity].
  - exists v. apply is_lim_spec. intro d.
    destruct (Classical_Prop.classic (exists x, 0 <= x /\ v - d < H x)) as [[x [Hx Q]]|N].
    + exists x. intros y Hy. assert (H x <= H y) by (apply Mon; lra).
      assert (H y <= v) by (apply U; exists y; split; [lra | reflexivity]). assert (P := cond_pos d).
      apply Rabs_lt_between. lra.
    + exfalso. assert (v <= v - d); [|assert (P := cond_pos d); lra].
      apply L. intros y [x [Hx ->]]. apply Rnot_lt_le. intro C. apply N. now exists x.
Qed.
