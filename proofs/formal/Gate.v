(* The gate F, its complement S, and the three functions x F, x S and x F S that the family is glued from. Of all that
   follows, only this file knows the formula of F. *)
From Gem Require Import Vocabulary Smooth Calculus.

(* A power grows with its base. *)
Lemma pow_lt_base x y k : 0 <= x < y -> (0 < k)%nat -> x ^ k < y ^ k.
Proof.
  intros H. induction k as [|[|k] IH]; intro K; [lia | simpl; lra|].
  apply (Rmult_le_0_lt_compat x y (x ^ S k) (y ^ S k)); [lra | apply pow_le; lra | lra | apply IH; lia].
Qed.

Section Gate.
Variable N : nat.
Hypothesis HN : (1 <= N)%nat.
Variable eps : R.
Hypothesis He : 0 < eps.

Definition F (x : R) : R := x ^ (2 * N) / (eps + x ^ (2 * N)).
Definition S (x : R) : R := 1 - F x.
Definition rise (x : R) : R := x * F x.
Definition tail (x : R) : R := x * S x.
Definition hump (x : R) : R := x * F x * S x.
(* The place of x in units that do not depend on eps. *)
Definition u (x : R) : R := Rabs x ^ (2 * N) / eps.

Local Notation n := (INR (2 * N)).

Lemma n_ge : 2 <= n.
Proof. apply (le_INR 2). lia. Qed.

Lemma even_power x : (- x) ^ (2 * N) = x ^ (2 * N).
Proof. rewrite !pow_mult. now replace ((- x) ^ 2) with (x ^ 2) by ring. Qed.

Lemma Rabs_power x : Rabs x ^ (2 * N) = x ^ (2 * N).
Proof. unfold Rabs. destruct (Rcase_abs x); [apply even_power | reflexivity]. Qed.

Lemma power_nonneg x : 0 <= x ^ (2 * N).
Proof. rewrite <- Rabs_power. apply pow_le, Rabs_pos. Qed.

Lemma power_pos x : x <> 0 -> 0 < x ^ (2 * N).
Proof. intro H. rewrite <- Rabs_power. now apply pow_lt, Rabs_pos_lt. Qed.

Lemma power_0 : 0 ^ (2 * N) = 0.
Proof. apply pow_i. lia. Qed.

Lemma denominator_pos x : 0 < eps + x ^ (2 * N).
Proof. assert (H := power_nonneg x). lra. Qed.

Lemma denominator x : eps + x ^ (2 * N) <> 0.
Proof. apply Rgt_not_eq, denominator_pos. Qed.

Lemma S_eps x : S x = eps / (eps + x ^ (2 * N)).
Proof. unfold S, F. field. apply denominator. Qed.

(** ** Values *)

Lemma F_0 : F 0 = 0.
Proof. unfold F. rewrite power_0. field. lra. Qed.

Lemma S_0 : S 0 = 1.
Proof. unfold S. rewrite F_0. ring. Qed.

Lemma F_even x : F (- x) = F x.
Proof. unfold F. now rewrite even_power. Qed.

Lemma S_even x : S (- x) = S x.
Proof. unfold S. now rewrite F_even. Qed.

Lemma S_pos x : 0 < S x.
Proof. rewrite S_eps. apply Rdiv_lt_0_compat; [exact He | apply denominator_pos]. Qed.

Lemma F_pos x : x <> 0 -> 0 < F x.
Proof. intro H. apply Rdiv_lt_0_compat; [now apply power_pos | apply denominator_pos]. Qed.

Lemma F_nonneg x : 0 <= F x.
Proof. destruct (Req_dec x 0) as [->|H]; [rewrite F_0; lra | now apply Rlt_le, F_pos]. Qed.

Lemma F_S x : F x + S x = 1.
Proof. unfold S. ring. Qed.

Lemma S_le x : S x <= 1.
Proof. assert (A := F_S x). assert (B := F_nonneg x). lra. Qed.

(* F grows with the distance from 0. *)
Lemma F_lt x y : 0 <= x < y -> F x < F y.
Proof.
  intros [H0 H]. assert (A := denominator_pos x). assert (B := denominator_pos y).
  assert (C : x ^ (2 * N) < y ^ (2 * N)).
  { apply pow_lt_base; [lra | lia]. }
  assert (S y < S x); [|assert (P := F_S x); assert (Q := F_S y); lra].
  rewrite !S_eps. unfold Rdiv. apply Rmult_lt_compat_l; [exact He|]. apply Rinv_lt_contravar; [|lra].
  now apply Rmult_lt_0_compat.
Qed.

(** ** Places *)

Lemma u_nonneg x : 0 <= u x.
Proof. unfold u. rewrite Rabs_power. apply Rmult_le_pos; [apply power_nonneg | now apply Rlt_le, Rinv_0_lt_compat]. Qed.

Lemma S_u x : S x = / (1 + u x).
Proof.
  assert (A := power_nonneg x). rewrite S_eps. unfold u. rewrite Rabs_power. field. split; lra.
Qed.

Lemma u_S x : u x = / S x - 1.
Proof. assert (A := u_nonneg x). rewrite S_u. field. lra. Qed.

Lemma u_even x : u (- x) = u x.
Proof. unfold u. now rewrite Rabs_Ropp. Qed.

(* Where u is c, S is 1/(1 + c). *)
Lemma S_at x c : 0 < c -> (u x = c <-> S x = / (1 + c)).
Proof.
  intro Hc. split; intro H.
  - now rewrite S_u, H.
  - rewrite u_S, H. field. lra.
Qed.

(* The point of the positive half-line where u is c. *)
Definition place (c : R) : R := Rpower eps (1 / n) * Rpower c (1 / n).

Lemma place_pos c : 0 < place c.
Proof. apply Rmult_lt_0_compat; apply exp_pos. Qed.

Lemma root_power c : 0 < c -> Rpower c (1 / n) ^ (2 * N) = c.
Proof.
  intro H. assert (A := n_ge). rewrite <- Rpower_pow by apply exp_pos. rewrite Rpower_mult.
  replace (1 / n * n) with 1 by (field; lra). now apply Rpower_1.
Qed.

Lemma u_place c : 0 < c -> u (place c) = c.
Proof.
  intro H. unfold u. rewrite Rabs_power. unfold place. rewrite Rpow_mult_distr, !root_power by assumption. field. lra.
Qed.

Lemma S_place c : 0 < c -> S (place c) = / (1 + c).
Proof. intro H. apply S_at; [exact H | now apply u_place]. Qed.

Lemma F_inj x y : 0 <= x -> 0 <= y -> F x = F y -> x = y.
Proof.
  intros Hx Hy E. destruct (Rtotal_order x y) as [H|[H|H]]; [|exact H|].
  - assert (F x < F y); [apply F_lt|]; lra.
  - assert (F y < F x); [apply F_lt|]; lra.
Qed.

Lemma u_inj x y : 0 <= x -> 0 <= y -> u x = u y -> x = y.
Proof.
  intros Hx Hy E. apply F_inj; trivial. assert (A := F_S x). assert (B := F_S y). rewrite S_u, E, <- S_u in A. lra.
Qed.

Lemma at_place x c : 0 < c -> 0 <= x -> (u x = c <-> x = place c).
Proof.
  intros Hc Hx. split; intro H.
  - apply u_inj; [exact Hx | apply Rlt_le, place_pos | now rewrite u_place].
  - rewrite H. now apply u_place.
Qed.

Lemma u_lt x y : 0 <= x < y -> u x < u y.
Proof.
  intro H. unfold u. rewrite !Rabs_power. apply Rmult_lt_compat_r; [now apply Rinv_0_lt_compat|].
  apply pow_lt_base; [exact H | lia].
Qed.

(* On the positive half-line S is above 1/(1 + c) before that place, and below beyond. *)
Lemma S_before x c : 0 < c -> 0 <= x < place c -> / (1 + c) < S x.
Proof.
  intros Hc H. apply F_lt in H. assert (A := F_S x). assert (B := F_S (place c)). rewrite S_place in B by exact Hc. lra.
Qed.

Lemma S_beyond x c : 0 < c -> place c < x -> S x < / (1 + c).
Proof.
  intros Hc H. assert (P := place_pos c). assert (F (place c) < F x) by (apply F_lt; lra).
  assert (A := F_S x). assert (B := F_S (place c)). rewrite S_place in B by exact Hc. lra.
Qed.

(** ** Smoothness and derivatives *)

Lemma smooth_F : smooth F.
Proof. unfold F. smoothness. exact denominator. Qed.

Lemma smooth_S : smooth S.
Proof. assert (H := smooth_F). unfold S. smoothness. Qed.

Lemma smooth_rise : smooth rise.
Proof. assert (H := smooth_F). unfold rise. smoothness. Qed.

Lemma smooth_tail : smooth tail.
Proof. assert (H := smooth_S). unfold tail. smoothness. Qed.

Lemma smooth_hump : smooth hump.
Proof. assert (H := smooth_F). assert (K := smooth_S). unfold hump. smoothness. Qed.

Lemma F_derive x : exists d, is_derive F x d /\ x * d = n * F x * S x.
Proof.
  exists (n * x ^ pred (2 * N) * eps / (eps + x ^ (2 * N)) ^ 2). split.
  - unfold F. assert (H := denominator x). revert H. generalize (2 * N)%nat. intros m H.
    auto_derive; [exact H|]. field. exact H.
  - rewrite S_eps. unfold F. replace (x ^ (2 * N)) with (x * x ^ pred (2 * N)).
    + field. replace (x * x ^ pred (2 * N)) with (x ^ (2 * N)); [apply denominator|].
      now replace (2 * N)%nat with (Datatypes.S (pred (2 * N))) at 1 by lia.
    + now replace (2 * N)%nat with (Datatypes.S (pred (2 * N))) at 2 by lia.
Qed.

Definition rise' (x : R) : R := F x * (1 + n * S x).
Definition tail' (x : R) : R := S x * (1 - n * F x).
Definition hump' (x : R) : R := F x * S x * (1 + n * (S x - F x)).

Lemma rise_derive x : is_derive rise x (rise' x).
Proof.
  destruct (F_derive x) as [d [D E]]. unfold rise. auto_derive; [now exists d|].
  rewrite (is_derive_unique (fun x : R => F x) x d D).
  match goal with |- ?a = _ => replace a with (F x + x * d) by ring end. rewrite E. unfold rise'. ring.
Qed.

Lemma tail_derive x : is_derive tail x (tail' x).
Proof.
  destruct (F_derive x) as [d [D E]]. unfold tail, S. auto_derive; [now exists d|].
  rewrite (is_derive_unique (fun x : R => F x) x d D).
  match goal with |- ?a = _ => replace a with (1 - F x - x * d) by ring end. rewrite E. unfold tail', S. ring.
Qed.

Lemma hump_derive x : is_derive hump x (hump' x).
Proof.
  destruct (F_derive x) as [d [D E]]. unfold hump, S. auto_derive; [split; [|split]; now try exists d|].
  rewrite (is_derive_unique (fun x : R => F x) x d D).
  match goal with |- ?a = _ => replace a with (F x * (1 - F x) + x * d * (1 - 2 * F x)) by ring end.
  rewrite E. unfold hump', S. ring.
Qed.

Lemma rise_0 : rise 0 = 0.
Proof. unfold rise. ring. Qed.

Lemma tail_0 : tail 0 = 0.
Proof. unfold tail. ring. Qed.

Lemma hump_0 : hump 0 = 0.
Proof. unfold hump. ring. Qed.

(* x = x F + x S. *)
Lemma rise_tail x : rise x + tail x = x.
Proof. unfold rise, tail. rewrite <- Rmult_plus_distr_l, F_S. ring. Qed.

Lemma rise_odd x : rise (- x) = - rise x.
Proof. unfold rise. rewrite F_even. ring. Qed.

Lemma tail_odd x : tail (- x) = - tail x.
Proof. unfold tail. rewrite S_even. ring. Qed.

Lemma hump_odd x : hump (- x) = - hump x.
Proof. unfold hump. rewrite F_even, S_even. ring. Qed.
End Gate.
