(* T6 for p < oo: the distance from ReLU in L^p, by Euler's beta function; and where it is infinite. *)
From Gem Require Import Vocabulary Smooth Junction Calculus Gate Statements Smoothness Gradient Range Integral Power.

(** * The integral of a power of x u^j / (1 + u)^k *)

Section Substitution.
Variables (N : nat) (eps p : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps) (Hp : 1 <= p).
Local Notation n := (INR (2 * N)).
Hypothesis Hq : 0 < p * (n - 1) - 1.

(* u without the absolute value, which is smooth; and its derivative. *)
Definition w (x : R) : R := x ^ (2 * N) / eps.
Definition w' (x : R) : R := n * x ^ pred (2 * N) / eps.

Variables (g : R -> R) (j k a b : R).
Hypotheses (Cont : forall x, continuous g x) (Pos : forall x, 0 < x -> 0 < g x)
  (Below : forall x, 0 < x -> g x <= tail N eps x)
  (Log : forall x, 0 < x -> ln (g x) = ln x + j * ln (w x) - k * ln (1 + w x))
  (Ha : a = (p + 1) / n + j * p) (Hab : a + b = k * p).

Definition G (x : R) : R := power (g x) p.
Definition area (d : R) : R := RInt G 0 d.

Lemma w_u x : u N eps x = w x.
Proof. unfold u, w. now rewrite Rabs_power. Qed.

Lemma w_pos x : 0 < x -> 0 < w x.
Proof. intro H. apply Rdiv_lt_0_compat; [now apply pow_lt | exact He]. Qed.

Lemma w_lt x y : 0 <= x < y -> w x < w y.
Proof. intro H. rewrite <- !w_u. now apply u_lt. Qed.

Lemma w_derive x : is_derive w x (w' x).
Proof. unfold w, w'. generalize (2 * N)%nat. intro m. auto_derive; [exact I|]. field. lra. Qed.

Lemma w'_continuous x : continuous w' x.
Proof.
  assert (H := smooth_id). apply smooth_continuous. unfold w'.
  apply (smooth_mult (fun x => n * x ^ pred (2 * N)) (fun _ => / eps)); smoothness.
Qed.

Lemma x_w' x : x * w' x = n * w x.
Proof.
  unfold w, w'. replace (x ^ (2 * N)) with (x * x ^ pred (2 * N)); [field; lra|].
  now replace (2 * N)%nat with (Datatypes.S (pred (2 * N))) at 2 by lia.
Qed.

Lemma G_continuous x : continuous G x.
Proof. apply (continuous_comp g (fun t => power t p)); [apply Cont | now apply power_continuous]. Qed.

Lemma G_integrable c d : ex_RInt G c d.
Proof. apply (ex_RInt_continuous G). intros z _. apply G_continuous. Qed.

Lemma area_is d : is_RInt G 0 d (area d).
Proof. apply (RInt_correct G), G_integrable. Qed.

Lemma area_split c d : area d = area c + RInt G c d.
Proof. symmetry. exact (RInt_Chasles G 0 c d (G_integrable 0 c) (G_integrable c d)). Qed.

Lemma area_increases c d : 0 <= c <= d -> area c <= area d.
Proof.
  intro H. rewrite (area_split c d).
  assert (0 <= RInt G c d); [|lra]. apply RInt_ge_0; [lra | apply G_integrable | intros; apply power_nonneg].
Qed.

(** ** It converges: beyond 1 it is below a power of x *)

Lemma tail_power x : 1 <= x -> tail N eps x <= eps * Rpower x (1 - n).
Proof.
  intro H. assert (D := denominator_pos N eps He x). assert (P : 0 < x ^ (2 * N)) by (apply pow_lt; lra).
  unfold Rminus. rewrite Rpower_plus, Rpower_1, Rpower_Ropp, Rpower_pow by lra.
  unfold tail. rewrite S_eps by exact He.
  replace (x * (eps / (eps + x ^ (2 * N)))) with (eps * (x * / (eps + x ^ (2 * N)))) by (field; lra).
  apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
Qed.

Lemma G_below x : 1 <= x -> G x <= Rpower eps p * Rpower x (- (p * (n - 1))).
Proof.
  intro H. unfold G. apply Rle_trans with (power (eps * Rpower x (1 - n)) p).
  - apply power_le; [lra|]. apply Rle_trans with (tail N eps x); [apply Below; lra | now apply tail_power].
  - assert (Q : 0 < Rpower x (1 - n)) by apply exp_pos.
    rewrite power_Rpower by (apply Rmult_lt_0_compat; lra). rewrite <- Rpower_mult_distr by assumption.
    rewrite Rpower_mult. right. do 2 f_equal. ring.
Qed.

Lemma area_bounded d : 0 <= d -> area d <= area 1 + Rpower eps p * / (p * (n - 1) - 1).
Proof.
  intro Hd. assert (E : 0 < Rpower eps p) by apply exp_pos. assert (I := Rinv_0_lt_compat _ Hq).
  assert (0 <= Rpower eps p * / (p * (n - 1) - 1)) by (apply Rmult_le_pos; lra).
  destruct (Rle_or_lt d 1) as [L|L]; [assert (A := area_increases d 1 ltac:(lra)); lra|].
  rewrite (area_split 1 d). apply Rplus_le_compat_l.
  assert (J := power_integral (p * (n - 1)) d ltac:(lra) ltac:(lra)).
  apply (is_RInt_scal _ 1 d (Rpower eps p)) in J.
  assert (B := is_RInt_le _ _ 1 d _ _ ltac:(lra) (RInt_correct G 1 d (G_integrable 1 d)) J
    (fun x Hx => G_below x ltac:(lra))).
  apply Rle_trans with (1 := B).
  change (Rpower eps p * ((1 - Rpower d (1 - p * (n - 1))) / (p * (n - 1) - 1)) <=
    Rpower eps p * / (p * (n - 1) - 1)).
  apply Rmult_le_compat_l; [lra|]. unfold Rdiv. rewrite <- (Rmult_1_l (/ (p * (n - 1) - 1))) at 2.
  apply Rmult_le_compat_r; [lra|]. assert (0 < Rpower d (1 - p * (n - 1))) by apply exp_pos. lra.
Qed.

Lemma area_converges : exists v, is_lim area p_infty (Finite v).
Proof. exact (monotone_limit area _ area_increases area_bounded). Qed.

Lemma area_half v : is_lim area p_infty (Finite v) -> half G v.
Proof. intro L. apply (half_of G area); [exists 0; intros d _; apply area_is | exact L]. Qed.

Lemma area_0 : area 0 = 0.
Proof. exact (RInt_point 0 G). Qed.

Lemma area_near_0 d : 0 < d -> exists c, 0 < c /\ forall x, 0 < x < c -> Rabs (area x) < d.
Proof.
  intro Hd. assert (C : continuous area 0).
  { apply (continuous_RInt_1 G 0 0 area). apply filter_forall. intro z. apply area_is. }
  destruct (C (fun y => Rabs y < d)) as [c Hc].
  - exists (mkposreal d Hd). intros y Hy. change (Rabs (y - area 0) < d) in Hy. now rewrite area_0, Rminus_0_r in Hy.
  - exists c. split; [apply cond_pos|]. intros x Hx. apply Hc. change (Rabs (x - 0) < c).
    rewrite Rminus_0_r, Rabs_pos_eq; lra.
Qed.

(** ** The substitution t = u(x) *)

Local Notation scale := (Rpower eps (1 / n)).
Definition factor : R := Rpower scale (p + 1) / n.

Lemma factor_pos : 0 < factor.
Proof. assert (A := n_ge N HN). apply Rdiv_lt_0_compat; [apply exp_pos | lra]. Qed.

Lemma integrand x : 0 < x -> G x = factor * (w' x * beta_integrand a b (w x)).
Proof.
  intro Hx. assert (A := n_ge N HN). assert (W := w_pos x Hx). unfold G. rewrite power_Rpower by now apply Pos.
  replace (w' x) with (n * w x * / x) by (rewrite <- x_w'; field; lra).
  unfold factor, beta_integrand, Rpower. rewrite ln_exp, Log, Hab by exact Hx.
  assert (Lw : ln (w x) = n * ln x - ln eps).
  { unfold w, Rdiv. rewrite ln_mult, ln_Rinv by (trivial; (now apply pow_lt) || now apply Rinv_0_lt_compat).
    rewrite ln_pow by exact Hx. reflexivity. }
  set (q := (p + 1) * (1 / n * ln eps)). set (r := (a - 1) * ln (w x)). set (t := - (k * p) * ln (1 + w x)).
  transitivity (exp q * (exp (ln (w x)) * (exp (- ln x) * (exp r * exp t)))).
  - rewrite <- !exp_plus. f_equal. unfold q, r, t. rewrite Ha.
    replace (ln eps) with (n * ln x - ln (w x)) by (rewrite Lw; ring). field. lra.
  - rewrite exp_ln by exact W. rewrite exp_Ropp, exp_ln by exact Hx. field. lra.
Qed.

Lemma beta_continuous t : 0 < t -> continuous (beta_integrand a b) t.
Proof.
  intro H. apply (continuous_mult (fun t => Rpower t (a - 1)) (fun t => Rpower (1 + t) (- (a + b)))).
  - apply (ex_derive_continuous (fun t => Rpower t (a - 1)) t). eexists.
    now apply is_derive_Reals, derivable_pt_lim_power.
  - apply (continuous_comp (fun t => 1 + t) (fun t => Rpower t (- (a + b)))).
    + apply (continuous_plus (fun _ => 1) (fun t => t)); [apply continuous_const | apply continuous_id].
    + apply (ex_derive_continuous (fun t => Rpower t (- (a + b))) (1 + t)). eexists.
      apply is_derive_Reals, derivable_pt_lim_power. lra.
Qed.

Lemma substituted c d : 0 < c < d ->
  is_RInt (beta_integrand a b) (w c) (w d) ((area d - area c) / factor).
Proof.
  intro H. assert (K := factor_pos). assert (L : w c < w d) by (apply w_lt; lra). assert (P := w_pos c (proj1 H)).
  assert (E : ex_RInt (beta_integrand a b) (w c) (w d)).
  { apply (ex_RInt_continuous (beta_integrand a b)). intros t Ht. rewrite Rmin_left in Ht by lra.
    apply beta_continuous. lra. }
  replace ((area d - area c) / factor) with (RInt (beta_integrand a b) (w c) (w d)); [now apply (RInt_correct (beta_integrand a b))|].
  assert (S : is_RInt (fun x => w' x * beta_integrand a b (w x)) c d (RInt (beta_integrand a b) (w c) (w d))).
  { apply (is_RInt_comp (beta_integrand a b) w w' c d); intros x Hx; rewrite Rmin_left in Hx by lra.
    - apply beta_continuous, w_pos. lra.
    - split; [apply w_derive | apply w'_continuous]. }
  apply (is_RInt_scal _ c d factor) in S.
  assert (T : is_RInt G c d (factor * RInt (beta_integrand a b) (w c) (w d))).
  { apply is_RInt_ext with (2 := S). intros x Hx. rewrite Rmin_left in Hx by lra. symmetry. apply integrand. lra. }
  rewrite (area_split c d), (is_RInt_unique _ _ _ _ T).
  assert (Q : forall r s : R, s = (r + factor * s - r) / factor) by (intros; field; lra). apply Q.
Qed.

Lemma beta_converges v : is_lim area p_infty (Finite v) ->
  is_RInt_gen (beta_integrand a b) (at_right 0) (Rbar_locally p_infty) (v / factor).
Proof.
  intros L P [d HP]. assert (K := factor_pos). assert (Hd := cond_pos d).
  assert (Half : 0 < d * factor / 2) by (apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat|]; lra).
  destruct (area_near_0 _ Half) as [c [Hc Near]].
  apply is_lim_spec in L. destruct (L (mkposreal _ Half)) as [M Far]. simpl in Far.
  set (m := Rmax M c + 1). assert (M < m /\ c < m) as [M1 M2].
  { assert (A := Rmax_l M c). assert (B := Rmax_r M c). unfold m. lra. }
  apply (Filter_prod _ _ _ (fun x => 0 < x < w c) (fun y => w m < y)).
  - exists (mkposreal _ (w_pos c Hc)). intros x Hx Px. change (Rabs (x - 0) < w c) in Hx.
    rewrite Rminus_0_r, Rabs_pos_eq in Hx by lra. lra.
  - now exists (w m).
  - intros x y Hx Hy. set (x0 := place N eps x). set (y0 := place N eps y).
    assert (Pw : 0 < w m) by (apply w_pos; lra).
    assert (X : w x0 = x) by (rewrite <- w_u; apply u_place; trivial; lra).
    assert (Y : w y0 = y) by (rewrite <- w_u; apply u_place; trivial; lra).
    assert (Px : 0 < x0) by apply place_pos. assert (Py : 0 < y0) by apply place_pos.
    assert (x0 < c). { apply Rnot_le_lt. intros [C|C]; [assert (w c < w x0) by (apply w_lt; lra); lra | rewrite C in Hx; lra]. }
    assert (m < y0). { apply Rnot_le_lt. intros [C|C]; [assert (w y0 < w m) by (apply w_lt; lra); lra | rewrite C in Y; lra]. }
    exists ((area y0 - area x0) / factor). split.
    + simpl. rewrite <- X, <- Y. apply substituted. lra.
    + apply HP. change (Rabs ((area y0 - area x0) / factor - v / factor) < d).
      replace ((area y0 - area x0) / factor - v / factor) with ((area y0 - v + - area x0) / factor) by (field; lra).
      unfold Rdiv. rewrite Rabs_mult, Rabs_inv, (Rabs_pos_eq factor) by lra.
      apply (Rmult_lt_reg_r factor); [exact K|]. rewrite Rmult_assoc, Rinv_l by lra.
      apply Rle_lt_trans with (Rabs (area y0 - v) + Rabs (- area x0)); [rewrite Rmult_1_r; apply Rabs_triang|].
      rewrite Rabs_Ropp. assert (A := Far y0 ltac:(lra)). assert (B := Near x0 ltac:(lra)). lra.
Qed.

Lemma half_beta : half G (factor * beta a b) /\ ex_RInt_gen (beta_integrand a b) (at_right 0) (Rbar_locally p_infty).
Proof.
  destruct area_converges as [v L]. assert (B := beta_converges v L). assert (K := factor_pos). split; [|now exists (v / factor)].
  replace (factor * beta a b) with v; [now apply area_half|]. unfold beta.
  rewrite (is_RInt_gen_unique _ _ B). field. lra.
Qed.
End Substitution.

(** * x S and x F S *)

Section Gaps.
Variables (N : nat) (eps p : R).
Hypotheses (HN : (1 <= N)%nat) (He : 0 < eps) (Hp : 1 <= p).
Local Notation n := (INR (2 * N)).
Hypothesis Hq : 0 < p * (n - 1) - 1.
Local Notation v := (Rpower (Rpower eps (1 / n)) (p + 1) / n).

Lemma tail_norm :
  half (fun x => power (tail N eps x) p) (v * beta ((p + 1) / n) (p - (p + 1) / n)) /\
  ex_RInt_gen (beta_integrand ((p + 1) / n) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty).
Proof.
  apply (half_beta N eps p HN He Hp Hq (tail N eps) 0 1).
  - intro x. now apply smooth_continuous, smooth_tail.
  - intros x Hx. now apply tail_pos.
  - intros x Hx. lra.
  - intros x Hx. assert (W := w_pos N eps He x Hx). unfold tail. rewrite S_u, w_u by exact He.
    rewrite ln_mult, ln_Rinv by (trivial; try apply Rinv_0_lt_compat; lra). ring.
  - ring.
  - ring.
Qed.

Lemma hump_norm :
  half (fun x => power (hump N eps x) p) (v * beta ((p + 1) / n + p) (p - (p + 1) / n)) /\
  ex_RInt_gen (beta_integrand ((p + 1) / n + p) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty).
Proof.
  apply (half_beta N eps p HN He Hp Hq (hump N eps) 1 2).
  - intro x. now apply smooth_continuous, smooth_hump.
  - intros x Hx. apply Rmult_lt_0_compat; [now apply rise_pos | now apply S_pos].
  - intros x Hx. now apply Rlt_le, hump_tail.
  - intros x Hx. assert (W := w_pos N eps He x Hx). unfold hump.
    assert (E : F N eps x = w N eps x * / (1 + w N eps x)).
    { assert (A := F_S N eps x). rewrite S_u, w_u in A by exact He.
      replace (F N eps x) with (1 - / (1 + w N eps x)) by lra. field. lra. }
    rewrite E, S_u, w_u by exact He. assert (I : 0 < / (1 + w N eps x)) by (apply Rinv_0_lt_compat; lra).
    assert (J : 0 < w N eps x * / (1 + w N eps x)) by now apply Rmult_lt_0_compat.
    assert (K : 0 < x * (w N eps x * / (1 + w N eps x))) by now apply Rmult_lt_0_compat.
    rewrite (ln_mult _ _ K I), (ln_mult _ _ Hx J), (ln_mult _ _ W I), ln_Rinv by lra. ring.
  - ring.
  - ring.
Qed.

(* The three distances, side by side. *)
Lemma egem_norm :
  integral (fun x => power (Rabs (egem N eps x - relu x)) p) (v * beta ((p + 1) / n) (p - (p + 1) / n)).
Proof.
  replace (v * beta ((p + 1) / n) (p - (p + 1) / n)) with (0 + v * beta ((p + 1) / n) (p - (p + 1) / n)) by ring.
  apply whole.
  - apply half_ext with (2 := half_0). intros x Hx. rewrite egem_gap, glue_left by lra.
    rewrite Rabs_R0, power_0; [reflexivity | lra].
  - apply half_ext with (2 := proj1 tail_norm). intros x Hx. rewrite egem_gap, glue_right by exact Hx.
    rewrite Rabs_Ropp, Rabs_pos_eq; [reflexivity | now apply Rlt_le, tail_pos].
Qed.

Lemma segem_norm :
  integral (fun x => power (Rabs (segem N eps x - relu x)) p) (v * beta ((p + 1) / n) (p - (p + 1) / n)).
Proof.
  replace (v * beta ((p + 1) / n) (p - (p + 1) / n)) with (v * beta ((p + 1) / n) (p - (p + 1) / n) + 0) by ring.
  apply whole.
  - apply half_ext with (2 := proj1 tail_norm). intros x Hx. rewrite segem_gap, glue_left, tail_odd by lra.
    rewrite Rabs_Ropp, Rabs_pos_eq; [reflexivity | now apply Rlt_le, tail_pos].
  - apply half_ext with (2 := half_0). intros x Hx. rewrite segem_gap, glue_right by exact Hx.
    rewrite Rabs_R0, power_0; [reflexivity | lra].
Qed.

Lemma segem_gated_norm :
  integral (fun x => power (Rabs (segem_gated N eps x - relu x)) p)
    (v * (beta ((p + 1) / n) (p - (p + 1) / n) + beta ((p + 1) / n + p) (p - (p + 1) / n))).
Proof.
  rewrite Rmult_plus_distr_l, Rplus_comm. apply whole.
  - apply half_ext with (2 := proj1 hump_norm). intros x Hx. rewrite segem_gated_gap, glue_left, hump_odd by lra.
    rewrite Rabs_Ropp, Rabs_pos_eq; [reflexivity|]. apply hump_nonneg; trivial. lra.
  - apply half_ext with (2 := proj1 tail_norm). intros x Hx. rewrite segem_gated_gap, glue_right by exact Hx.
    rewrite Rabs_Ropp, Rabs_pos_eq; [reflexivity | now apply Rlt_le, tail_pos].
Qed.
End Gaps.

Theorem t6_norm_egem : T6_norm_egem.
Proof.
  intros N eps HN He n s p Hp Hq. split; [now apply (tail_norm N eps p HN He Hp Hq) | now apply egem_norm].
Qed.

Theorem t6_norm_gem : T6_norm_gem.
Proof. at_one t6_norm_egem. Qed.

Theorem t6_norm_segem : T6_norm_segem.
Proof.
  intros N eps HN He n s p Hp Hq. split; [now apply (tail_norm N eps p HN He Hp Hq) | now apply segem_norm].
Qed.

Theorem t6_norm_segem_gated : T6_norm_segem_gated.
Proof.
  intros N eps HN He n s p Hp Hq. split; [now apply (tail_norm N eps p HN He Hp Hq)|].
  split; [now apply (hump_norm N eps p HN He Hp Hq) | now apply segem_gated_norm].
Qed.

(** * Where it is infinite *)

(* Only N = p = 1 fails the condition. *)
Lemma only_one N p : (1 <= N)%nat -> 1 <= p -> ~ 0 < p * (INR (2 * N) - 1) - 1 -> N = 1%nat /\ p = 1.
Proof.
  intros HN Hp C. destruct (le_lt_eq_dec _ _ HN) as [H|<-].
  - exfalso. apply C. assert (A : 4 <= INR (2 * N)).
    { replace 4 with (INR 4) by (simpl; lra). apply le_INR. lia. }
    assert (1 * 3 <= p * (INR (2 * N) - 1)) by (apply Rmult_le_compat; lra). lra.
  - split; [reflexivity|]. simpl in C. lra.
Qed.

Section Infinite.
Variable eps : R.
Hypothesis He : 0 < eps.

(* x S is the derivative of (eps/2) ln(1 + u) there. *)
Lemma tail_logarithm b : 0 <= b ->
  is_RInt (fun x => power (tail 1 eps x) 1) 0 b (eps / 2 * ln (eps + b ^ 2) - eps / 2 * ln eps).
Proof.
  intro Hb. apply (is_RInt_ext (tail 1 eps)).
  - intros x Hx. rewrite Rmin_left in Hx by lra. assert (T := tail_pos 1 eps He x (proj1 Hx)).
    rewrite power_Rpower, Rpower_1 by exact T. reflexivity.
  - replace (eps / 2 * ln (eps + b ^ 2) - eps / 2 * ln eps)
      with (minus (eps / 2 * ln (eps + b ^ 2)) (eps / 2 * ln (eps + 0 ^ 2)))
      by (replace (eps + 0 ^ 2) with eps by ring; reflexivity).
    apply (is_RInt_derive (fun x => eps / 2 * ln (eps + x ^ 2)) (tail 1 eps)).
    + intros x _. assert (0 <= x ^ 2) by apply pow2_ge_0. unfold tail. rewrite S_eps by exact He.
      change (2 * 1)%nat with 2%nat. auto_derive; [simpl in *; lra|]. simpl. field. simpl in *. lra.
    + intros x _. now apply smooth_continuous, smooth_tail.
Qed.

Lemma unbounded B : exists b, 0 <= b /\ B < eps / 2 * ln (eps + b ^ 2) - eps / 2 * ln eps.
Proof.
  set (t := (B + 1) * (2 / eps) + ln eps). exists (sqrt (exp t)).
  assert (P := exp_pos t). split; [apply sqrt_pos|]. rewrite <- Rsqr_pow2, Rsqr_sqrt by lra.
  assert (L : t < ln (eps + exp t)). { rewrite <- (ln_exp t) at 1. apply ln_increasing; lra. }
  apply (Rmult_lt_compat_l (eps / 2)) in L; [|lra]. unfold t in L at 1.
  replace (eps / 2 * ((B + 1) * (2 / eps) + ln eps)) with (B + 1 + eps / 2 * ln eps) in L by (field; lra). lra.
Qed.

Lemma infinite (f : R -> R) v : (forall x, 0 < x -> Rabs (f x - relu x) = tail 1 eps x) ->
  ~ integral (fun x => power (Rabs (f x - relu x)) 1) v.
Proof.
  intros E I. destruct (unbounded (v + 1)) as [b [Hb L]]. apply (Rlt_irrefl (v + 1)), (Rlt_le_trans _ _ _ L).
  apply (integral_bound _ v b _ (fun x => power_nonneg _ _) I Hb).
  apply is_RInt_ext with (2 := tail_logarithm b Hb). intros x Hx. rewrite Rmin_left in Hx by lra. now rewrite E.
Qed.
End Infinite.

(* The mirror image has the same integral. *)
Lemma integral_mirror g v : integral g v -> integral (fun x => g (- x)) v.
Proof.
  intros I P HP. destruct (I P HP) as [A B [MA HA] [MB HB] K].
  apply (Filter_prod _ _ _ (fun a => B (- a)) (fun b => A (- b))).
  - exists (- MB). intros a Ha. apply HB. lra.
  - exists (- MA). intros b Hb. apply HA. lra.
  - intros a b Ha Hb. destruct (K _ _ Hb Ha) as [y [Iy Py]]. exists y. split; [|exact Py].
    simpl in *. apply is_RInt_comp_opp, is_RInt_opp, is_RInt_swap in Iy; rewrite opp_opp in Iy.
    apply is_RInt_ext with (2 := Iy). intros x _. apply opp_opp.
Qed.

Theorem t6_finite_egem : T6_finite_egem.
Proof.
  intros N eps HN He n p Hp. split.
  - intros [v I]. apply Rnot_le_lt. intro C. destruct (only_one N p HN Hp ltac:(fold n; lra)) as [-> ->].
    apply (infinite eps He (egem 1 eps) v); [|exact I]. intros x Hx.
    rewrite egem_gap, glue_right, Rabs_Ropp, Rabs_pos_eq; trivial. now apply Rlt_le, tail_pos.
  - intro H. eexists. now apply egem_norm.
Qed.

Theorem t6_finite_gem : T6_finite_gem.
Proof. at_one t6_finite_egem. Qed.

Theorem t6_finite_segem_gated : T6_finite_segem_gated.
Proof.
  intros N eps HN He n p Hp. split.
  - intros [v I]. apply Rnot_le_lt. intro C. destruct (only_one N p HN Hp ltac:(fold n; lra)) as [-> ->].
    apply (infinite eps He (segem_gated 1 eps) v); [|exact I]. intros x Hx.
    rewrite segem_gated_gap, glue_right, Rabs_Ropp, Rabs_pos_eq; trivial. now apply Rlt_le, tail_pos.
  - intro H. eexists. now apply segem_gated_norm.
Qed.

Theorem t6_finite_segem : T6_finite_segem.
Proof.
  intros N eps HN He n p Hp. split.
  - intros [v I]. apply (t6_finite_egem N eps HN He p Hp). exists v. apply integral_mirror in I.
    refine (is_RInt_gen_ext (fun x => power (Rabs (segem N eps (- x) - relu (- x))) p) _ v _ I).
    apply filter_forall. intros [a b] x _.
    now rewrite (proj2 (t0_reflection_segem N eps HN He (- x))), Ropp_involutive.
  - intro H. eexists. now apply segem_norm.
Qed.
