(* Real powers p >= 1 of non-negative numbers: a continuous function, 0 at 0. *)
From Gem Require Import Vocabulary.

Lemma power_0 a p : a <= 0 -> power a p = 0.
Proof. intro H. unfold power. destruct (Rle_dec a 0); [reflexivity | lra]. Qed.

Lemma power_Rpower a p : 0 < a -> power a p = Rpower a p.
Proof. intro H. unfold power. destruct (Rle_dec a 0); [lra | reflexivity]. Qed.

Lemma power_nonneg a p : 0 <= power a p.
Proof. unfold power. destruct (Rle_dec a 0); [lra | apply Rlt_le, exp_pos]. Qed.

Lemma power_le a b p : 0 < p -> a <= b -> power a p <= power b p.
Proof.
  intros Hp H. destruct (Rle_or_lt a 0) as [A|A]; [rewrite power_0 by exact A; apply power_nonneg|].
  rewrite !power_Rpower by lra. apply Rle_Rpower_l; lra.
Qed.

Lemma power_small a p : 1 <= p -> 0 < a <= 1 -> power a p <= a.
Proof.
  intros Hp H. rewrite power_Rpower by lra. rewrite <- (Rpower_1 a) at 2 by lra. unfold Rpower.
  assert (L : ln a <= 0). { rewrite <- ln_1. destruct (proj2 H) as [Q|Q]; [apply Rlt_le, ln_increasing; lra | rewrite Q; lra]. }
  destruct (Req_dec (p * ln a) (1 * ln a)) as [E|E]; [rewrite E; lra|]. apply Rlt_le, exp_increasing. nra.
Qed.

Lemma power_continuous p a : 1 <= p -> continuous (fun t => power t p) a.
Proof.
  intro Hp. destruct (Rtotal_order a 0) as [H|[H|H]].
  - apply (continuous_ext_loc _ (fun _ => 0)); [|apply continuous_const].
    apply filter_imp with (2 := open_lt 0 a H). intros t Ht. symmetry. apply power_0. lra.
  - subst a. intros P [d HP]. rewrite power_0 in HP by lra. assert (Hd := cond_pos d).
    assert (Hm : 0 < Rmin d 1) by (apply Rmin_pos; lra). exists (mkposreal _ Hm). intros t Ht. apply HP.
    change (Rabs (t - 0) < Rmin d 1) in Ht. change (Rabs (power t p - 0) < d). rewrite Rminus_0_r in *.
    assert (A := Rmin_l d 1). assert (B := Rmin_r d 1). rewrite Rabs_pos_eq by apply power_nonneg.
    destruct (Rle_or_lt t 0) as [C|C]; [rewrite power_0; lra|]. rewrite Rabs_pos_eq in Ht by lra.
    apply Rle_lt_trans with t; [apply power_small|]; lra.
  - apply (continuous_ext_loc _ (fun t => Rpower t p)).
    + apply filter_imp with (2 := open_gt 0 a H). intros t Ht. symmetry. now apply power_Rpower.
    + apply (ex_derive_continuous (fun t => Rpower t p) a). exists (p * Rpower a (p - 1)).
      now apply is_derive_Reals, derivable_pt_lim_power.
Qed.

(* The integral of x^(-q) from 1 on, for q > 1. *)
Lemma power_integral q d : 1 < q -> 1 <= d -> is_RInt (fun x => Rpower x (- q)) 1 d ((1 - Rpower d (1 - q)) / (q - 1)).
Proof.
  intros Hq Hd. replace ((1 - Rpower d (1 - q)) / (q - 1))
    with (minus (Rpower d (1 - q) / (1 - q)) (Rpower 1 (1 - q) / (1 - q))).
  - apply (is_RInt_derive (fun x => Rpower x (1 - q) / (1 - q)) (fun x => Rpower x (- q)));
      intros x Hx; rewrite Rmin_left, Rmax_right in Hx by lra.
    + apply (is_derive_ext (fun x => / (1 - q) * Rpower x (1 - q))); [intro; unfold Rdiv; apply Rmult_comm|].
      replace (Rpower x (- q)) with (/ (1 - q) * ((1 - q) * Rpower x (1 - q - 1))).
      * apply is_derive_scal, is_derive_Reals, derivable_pt_lim_power. lra.
      * replace (1 - q - 1) with (- q) by ring. field. lra.
    + apply (ex_derive_continuous (fun x => Rpower x (- q)) x). exists (- q * Rpower x (- q - 1)).
      apply is_derive_Reals, derivable_pt_lim_power. lra.
  - unfold Rpower at 2. rewrite ln_1, Rmult_0_r, exp_0. unfold minus, plus, opp. simpl. field. lra.
Qed.
