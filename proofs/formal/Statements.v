(* Generated from gem_symbolic/definitions.py by `make proofs`: do not edit.

   The activations as they are defined, and what is claimed of each, in the words of Vocabulary.v. *)
From Gem Require Import Vocabulary.


(* if f_R - f_L = (x-a)^m h(x), m >= 1, h smooth and h(a) != 0, the glued function is exactly C^(m-1) at a and the
   m-th derivative jumps by m! h(a). *)
Definition T1_junction : Prop :=
  forall (a : R) (m : nat) (left right h : R -> R), (1 <= m)%nat ->
  smooth left -> smooth right -> smooth h -> h a <> 0 -> (forall x, right x - left x = (x - a) ^ m * h x) ->
  exactly_of_class (m - 1) (glue a left right) a /\ smooth_off a (glue a left right) /\
  jumps m (glue a left right) a (Derive_n left m a) (Derive_n right m a) /\
  Derive_n right m a - Derive_n left m a = INR (fact m) * h a.

(** * GEM *)

Definition gem_F (N : nat) (x : R) : R := x ^ (2 * N) / (1 + x ^ (2 * N)).
Definition gem_S (N : nat) (x : R) : R := 1 - gem_F N x.
Definition gem_left (N : nat) (x : R) : R := 0.
Definition gem_right (N : nat) (x : R) : R := x * gem_F N x.
Definition gem (N : nat) (x : R) : R := glue 0 (gem_left N) (gem_right N) x.

(** * E-GEM *)

Definition egem_F (N : nat) (eps : R) (x : R) : R := x ^ (2 * N) / (eps + x ^ (2 * N)).
Definition egem_S (N : nat) (eps : R) (x : R) : R := 1 - egem_F N eps x.
Definition egem_left (N : nat) (eps : R) (x : R) : R := 0.
Definition egem_right (N : nat) (eps : R) (x : R) : R := x * egem_F N eps x.
Definition egem (N : nat) (eps : R) (x : R) : R := glue 0 (egem_left N eps) (egem_right N eps) x.

(** * SE-GEM *)

Definition segem_F (N : nat) (eps : R) (x : R) : R := x ^ (2 * N) / (eps + x ^ (2 * N)).
Definition segem_S (N : nat) (eps : R) (x : R) : R := 1 - segem_F N eps x.
Definition segem_left (N : nat) (eps : R) (x : R) : R := x * segem_S N eps x.
Definition segem_right (N : nat) (eps : R) (x : R) : R := x.
Definition segem (N : nat) (eps : R) (x : R) : R := glue 0 (segem_left N eps) (segem_right N eps) x.

(** * SE-GEM (gated tail) *)

Definition segem_gated_F (N : nat) (eps : R) (x : R) : R := x ^ (2 * N) / (eps + x ^ (2 * N)).
Definition segem_gated_S (N : nat) (eps : R) (x : R) : R := 1 - segem_gated_F N eps x.
Definition segem_gated_left (N : nat) (eps : R) (x : R) : R := x * segem_gated_F N eps x * segem_gated_S N eps x.
Definition segem_gated_right (N : nat) (eps : R) (x : R) : R := x * segem_gated_F N eps x.
Definition segem_gated (N : nat) (eps : R) (x : R) : R := glue 0 (segem_gated_left N eps) (segem_gated_right N eps) x.

(** * What is claimed of GEM *)

(* GEM(x) = x + SE-GEM(-x) for all x, eps = 1; so f - ReLU mirrors that of SE-GEM. *)
Definition T0_reflection_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  forall x, gem N x = x + segem N 1 (- x) /\ gem N x - relu x = segem N 1 (- x) - relu (- x).

(* GEM is C^(2 N) on R and not C^(2 N + 1). *)
Definition T2_smoothness_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  exactly_of_class (2 * N) (gem N) 0.

(* the derivative of order 2 N + 1 jumps at 0 from (2 N + 1)! (0) to (2 N + 1)! (1/eps). *)
Definition T2_jump_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  jumps (2 * N + 1) (gem N) 0
    (INR (fact (2 * N + 1)) * 0)
    (INR (fact (2 * N + 1)) * (1 / 1)).

(* all poles of GEM are off the real line, so it is C^oo off 0. *)
Definition T2_poles_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  (forall x, 1 + x ^ (2 * N) <> 0) /\ smooth (gem_left N) /\ smooth (gem_right N) /\ smooth_off 0 (gem N).

(* for x > 0: GEM' = F (1 + n S). *)
Definition T3_formula_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in
  forall x, 0 < x -> is_derive (gem N) x (gem_F N x * (1 + n * gem_S N x)).

(* GEM increases strictly on [0, oo). *)
Definition T3_increasing_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  forall x y, 0 <= x -> x < y -> gem N x < gem N y.

(* sup of GEM' over R = (n + 1)^2/(4 n), reached only where x > 0 and u = (n + 1)/(n - 1). *)
Definition T3_supremum_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / 1 in
  greatest (Derive (gem N)) ((n + 1) ^ 2 / (4 * n)) (fun x => 0 < x /\ u x = (n + 1) / (n - 1)).

(* inf of GEM' over R = 0, everywhere on x < 0. *)
Definition T3_infimum_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  (forall x, 0 <= Derive (gem N) x) /\ (forall x, x < 0 -> Derive (gem N) x = 0).

(* Lip(GEM) = (n + 1)^2/(4 n), whatever eps is. *)
Definition T3_lipschitz_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in
  lipschitz_constant (gem N) ((n + 1) ^ 2 / (4 * n)).

(* GEM' = 0 on all of (-oo, 0] and nowhere else. *)
Definition T4_dead_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  forall x, Derive (gem N) x = 0 <-> x <= 0.

(* 0 <= GEM <= ReLU, and GEM maps onto [0, oo). *)
Definition T5_range_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  (forall x, 0 <= gem N x <= relu x) /\ (forall y, 0 <= y -> exists x, gem N x = y).

(* the inverse of GEM at y > 0 lies in (max(y, a), y + a), a = (eps y)^(1/(n+1)). *)
Definition T5_inverse_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in
  forall y, 0 < y -> let a := Rpower (1 * y) (1 / (n + 1)) in
  exists x, gem N x = y /\ Rmax y a < x < y + a /\ (forall z, gem N z = y -> z = x).

(* ||GEM - ReLU||_p^p = s^(p + 1)/n (B((p + 1)/n, p - (p + 1)/n)) for 1 <= p < oo with p (2N-1) > 1. *)
Definition T6_norm_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let s := Rpower 1 (1 / n) in
  forall p, 1 <= p -> 0 < p * (n - 1) - 1 ->
  ex_RInt_gen (beta_integrand ((p + 1) / n) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty) /\
  integral (fun x => power (Rabs (gem N x - relu x)) p)
    (Rpower s (p + 1) / n * beta ((p + 1) / n) (p - (p + 1) / n)).

(* the L^p distance is finite exactly when p (n - 1) - 1 > 0: unless N = p = 1. *)
Definition T6_finite_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in
  forall p, 1 <= p -> ((exists v, integral (fun x => power (Rabs (gem N x - relu x)) p) v) <-> 0 < p * (n - 1) - 1).

(* sup |GEM - ReLU| = s (n - 1)^(1 - 1/n)/n, reached at |x| = s (1/(n - 1))^(1/n); so the distance tends to 0 with eps
   in every L^p on bounded intervals. *)
Definition T6_sup_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let s := Rpower 1 (1 / n) in
  greatest (fun x => Rabs (gem N x - relu x)) (s * Rpower (n - 1) (1 - 1 / n) / n) (fun x => x = s * Rpower (1 / (n -
    1)) (1 / n)).

(* ||GEM' - ReLU'||_1 = 2 s (n - 1)^(1 - 1/n)/n: twice the sup distance. *)
Definition T7_l1_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let s := Rpower 1 (1 / n) in
  integral (fun x => Rabs (Derive (gem N) x - step x)) (2 * s * Rpower (n - 1) (1 - 1 / n) / n).

(* sup |GEM' - ReLU'| = Max(1, (n - 1)^2/(4 n)) for every eps: never small. *)
Definition T7_sup_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in
  supremum_off 0 (fun x => Rabs (Derive (gem N) x - step x)) (Rmax 1 ((n - 1) ^ 2 / (4 * n))).

(* for x > 0: |x| GEM'' = n F S (1 + n (S - F)); f'' > 0 up to the only inflection at u = (n + 1)/(n - 1), f'' < 0
   beyond. *)
Definition T8_formula_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / 1 in
  forall x, 0 < x ->
  is_derive_n (gem N) 2 x (n * gem_F N x * gem_S N x * (1 + n * (gem_S N x - gem_F N x)) / Rabs x) /\
  (u x < (n + 1) / (n - 1) -> 0 < Derive_n (gem N) 2 x) /\ (u x = (n + 1) / (n - 1) -> Derive_n (gem N) 2 x = 0) /\
  ((n + 1) / (n - 1) < u x -> Derive_n (gem N) 2 x < 0).

(* sup |GEM''| = n v^(1 - 1/n) ((n + 1) - (n - 1) v)/(s (1 + v)^3), v = (2 n^2 + 1 - n sqrt(3 (n^2 + 2)))/(n^2 - 1).
   *)
Definition T8_curvature_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let s := Rpower 1 (1 / n) in
  let v := (2 * n ^ 2 + 1 - n * sqrt (3 * (n ^ 2 + 2))) / (n ^ 2 - 1) in
  let m := n * Rpower v (1 - 1 / n) * (n + 1 - (n - 1) * v) / (s * (1 + v) ^ 3) in
  (forall x, Rabs (Derive_n (gem N) 2 x) <= m) /\ (exists x, Rabs (Derive_n (gem N) 2 x) = m).

(* GEM(x) = x - eps x^(1 - n) + O(x^(1 - 2 n)) as x -> oo. *)
Definition T9_right_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  is_lim (fun x => (gem N x - (x - 1 * powerRZ x (1 - 2 * Z.of_nat N)%Z)) / powerRZ x (1 - 4 * Z.of_nat N)%Z) p_infty
    (1 ^ 2).

(* at 0+, GEM(x) = sum over k >= 0 of (-1)^k x u^(k + 1), u = x^n/eps, with radius of convergence s. *)
Definition T9_series_gem : Prop :=
  forall N : nat, (1 <= N)%nat ->
  let n := INR (2 * N) in let s := Rpower 1 (1 / n) in let u x := Rabs x ^ (2 * N) / 1 in
  forall x, 0 < x ->
  (Rabs x < s -> is_series (fun k => (- 1) ^ k * (x * u x ^ (k + 1))) (gem N x)) /\
  (s <= Rabs x -> ~ ex_series (fun k => (- 1) ^ k * (x * u x ^ (k + 1)))).

(** * What is claimed of E-GEM *)

(* E-GEM(x) = x + SE-GEM(-x) for all x; so f - ReLU mirrors that of SE-GEM. *)
Definition T0_reflection_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  forall x, egem N eps x = x + segem N eps (- x) /\ egem N eps x - relu x = segem N eps (- x) - relu (- x).

(* E-GEM is C^(2 N) on R and not C^(2 N + 1). *)
Definition T2_smoothness_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  exactly_of_class (2 * N) (egem N eps) 0.

(* the derivative of order 2 N + 1 jumps at 0 from (2 N + 1)! (0) to (2 N + 1)! (1/eps). *)
Definition T2_jump_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  jumps (2 * N + 1) (egem N eps) 0
    (INR (fact (2 * N + 1)) * 0)
    (INR (fact (2 * N + 1)) * (1 / eps)).

(* all poles of E-GEM are off the real line, so it is C^oo off 0. *)
Definition T2_poles_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, eps + x ^ (2 * N) <> 0) /\ smooth (egem_left N eps) /\ smooth (egem_right N eps) /\ smooth_off 0 (egem N
    eps).

(* for x > 0: E-GEM' = F (1 + n S). *)
Definition T3_formula_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall x, 0 < x -> is_derive (egem N eps) x (egem_F N eps x * (1 + n * egem_S N eps x)).

(* E-GEM increases strictly on [0, oo). *)
Definition T3_increasing_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  forall x y, 0 <= x -> x < y -> egem N eps x < egem N eps y.

(* sup of E-GEM' over R = (n + 1)^2/(4 n), reached only where x > 0 and u = (n + 1)/(n - 1). *)
Definition T3_supremum_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / eps in
  greatest (Derive (egem N eps)) ((n + 1) ^ 2 / (4 * n)) (fun x => 0 < x /\ u x = (n + 1) / (n - 1)).

(* inf of E-GEM' over R = 0, everywhere on x < 0. *)
Definition T3_infimum_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, 0 <= Derive (egem N eps) x) /\ (forall x, x < 0 -> Derive (egem N eps) x = 0).

(* Lip(E-GEM) = (n + 1)^2/(4 n), whatever eps is. *)
Definition T3_lipschitz_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  lipschitz_constant (egem N eps) ((n + 1) ^ 2 / (4 * n)).

(* E-GEM' = 0 on all of (-oo, 0] and nowhere else. *)
Definition T4_dead_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  forall x, Derive (egem N eps) x = 0 <-> x <= 0.

(* 0 <= E-GEM <= ReLU, and E-GEM maps onto [0, oo). *)
Definition T5_range_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, 0 <= egem N eps x <= relu x) /\ (forall y, 0 <= y -> exists x, egem N eps x = y).

(* the inverse of E-GEM at y > 0 lies in (max(y, a), y + a), a = (eps y)^(1/(n+1)). *)
Definition T5_inverse_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall y, 0 < y -> let a := Rpower (eps * y) (1 / (n + 1)) in
  exists x, egem N eps x = y /\ Rmax y a < x < y + a /\ (forall z, egem N eps z = y -> z = x).

(* ||E-GEM - ReLU||_p^p = s^(p + 1)/n (B((p + 1)/n, p - (p + 1)/n)) for 1 <= p < oo with p (2N-1) > 1. *)
Definition T6_norm_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  forall p, 1 <= p -> 0 < p * (n - 1) - 1 ->
  ex_RInt_gen (beta_integrand ((p + 1) / n) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty) /\
  integral (fun x => power (Rabs (egem N eps x - relu x)) p)
    (Rpower s (p + 1) / n * beta ((p + 1) / n) (p - (p + 1) / n)).

(* the L^p distance is finite exactly when p (n - 1) - 1 > 0: unless N = p = 1. *)
Definition T6_finite_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall p, 1 <= p -> ((exists v, integral (fun x => power (Rabs (egem N eps x - relu x)) p) v) <-> 0 < p * (n - 1) -
    1).

(* sup |E-GEM - ReLU| = s (n - 1)^(1 - 1/n)/n, reached at |x| = s (1/(n - 1))^(1/n); so the distance tends to 0 with
   eps in every L^p on bounded intervals. *)
Definition T6_sup_egem : Prop :=
  (forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  greatest (fun x => Rabs (egem N eps x - relu x)) (s * Rpower (n - 1) (1 - 1 / n) / n) (fun x => x = s * Rpower (1 /
    (n - 1)) (1 / n))) /\
  (forall N : nat, (1 <= N)%nat -> forall d, 0 < d -> exists e, 0 < e /\
    forall eps x, 0 < eps < e -> Rabs (egem N eps x - relu x) <= d).

(* ||E-GEM' - ReLU'||_1 = 2 s (n - 1)^(1 - 1/n)/n: twice the sup distance. *)
Definition T7_l1_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  integral (fun x => Rabs (Derive (egem N eps) x - step x)) (2 * s * Rpower (n - 1) (1 - 1 / n) / n).

(* sup |E-GEM' - ReLU'| = Max(1, (n - 1)^2/(4 n)) for every eps: never small. *)
Definition T7_sup_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  supremum_off 0 (fun x => Rabs (Derive (egem N eps) x - step x)) (Rmax 1 ((n - 1) ^ 2 / (4 * n))).

(* for x > 0: |x| E-GEM'' = n F S (1 + n (S - F)); f'' > 0 up to the only inflection at u = (n + 1)/(n - 1), f'' < 0
   beyond. *)
Definition T8_formula_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / eps in
  forall x, 0 < x ->
  is_derive_n (egem N eps) 2 x (n * egem_F N eps x * egem_S N eps x * (1 + n * (egem_S N eps x - egem_F N eps x)) /
    Rabs x) /\
  (u x < (n + 1) / (n - 1) -> 0 < Derive_n (egem N eps) 2 x) /\ (u x = (n + 1) / (n - 1) -> Derive_n (egem N eps) 2 x
    = 0) /\
  ((n + 1) / (n - 1) < u x -> Derive_n (egem N eps) 2 x < 0).

(* sup |E-GEM''| = n v^(1 - 1/n) ((n + 1) - (n - 1) v)/(s (1 + v)^3), v = (2 n^2 + 1 - n sqrt(3 (n^2 + 2)))/(n^2 - 1).
   *)
Definition T8_curvature_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  let v := (2 * n ^ 2 + 1 - n * sqrt (3 * (n ^ 2 + 2))) / (n ^ 2 - 1) in
  let m := n * Rpower v (1 - 1 / n) * (n + 1 - (n - 1) * v) / (s * (1 + v) ^ 3) in
  (forall x, Rabs (Derive_n (egem N eps) 2 x) <= m) /\ (exists x, Rabs (Derive_n (egem N eps) 2 x) = m).

(* E-GEM(x) = x - eps x^(1 - n) + O(x^(1 - 2 n)) as x -> oo. *)
Definition T9_right_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  is_lim (fun x => (egem N eps x - (x - eps * powerRZ x (1 - 2 * Z.of_nat N)%Z)) / powerRZ x (1 - 4 * Z.of_nat N)%Z)
    p_infty (eps ^ 2).

(* at 0+, E-GEM(x) = sum over k >= 0 of (-1)^k x u^(k + 1), u = x^n/eps, with radius of convergence s. *)
Definition T9_series_egem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in let u x := Rabs x ^ (2 * N) / eps in
  forall x, 0 < x ->
  (Rabs x < s -> is_series (fun k => (- 1) ^ k * (x * u x ^ (k + 1))) (egem N eps x)) /\
  (s <= Rabs x -> ~ ex_series (fun k => (- 1) ^ k * (x * u x ^ (k + 1)))).

(** * What is claimed of SE-GEM *)

(* SE-GEM(x) = x + E-GEM(-x) for all x; so f - ReLU mirrors that of E-GEM. *)
Definition T0_reflection_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  forall x, segem N eps x = x + egem N eps (- x) /\ segem N eps x - relu x = egem N eps (- x) - relu (- x).

(* SE-GEM is C^(2 N) on R and not C^(2 N + 1). *)
Definition T2_smoothness_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  exactly_of_class (2 * N) (segem N eps) 0.

(* the derivative of order 2 N + 1 jumps at 0 from (2 N + 1)! (-1/eps) to (2 N + 1)! (0). *)
Definition T2_jump_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  jumps (2 * N + 1) (segem N eps) 0
    (INR (fact (2 * N + 1)) * ((- 1) / eps))
    (INR (fact (2 * N + 1)) * 0).

(* all poles of SE-GEM are off the real line, so it is C^oo off 0. *)
Definition T2_poles_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, eps + x ^ (2 * N) <> 0) /\ smooth (segem_left N eps) /\ smooth (segem_right N eps) /\ smooth_off 0 (segem
    N eps).

(* for x < 0: SE-GEM' = S (1 - n F). *)
Definition T3_formula_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall x, x < 0 -> is_derive (segem N eps) x (segem_S N eps x * (1 - n * segem_F N eps x)).

(* sup of SE-GEM' over R = 1, everywhere on x > 0. *)
Definition T3_supremum_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, Derive (segem N eps) x <= 1) /\ (forall x, 0 < x -> Derive (segem N eps) x = 1).

(* inf of SE-GEM' over R = -(n - 1)^2/(4 n), reached only where x < 0 and u = (n + 1)/(n - 1). *)
Definition T3_infimum_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / eps in
  least (Derive (segem N eps)) ((- (n - 1) ^ 2) / (4 * n)) (fun x => x < 0 /\ u x = (n + 1) / (n - 1)).

(* Lip(SE-GEM) = Max(1, (n - 1)^2/(4 n)): 1 for N <= 2, (n - 1)^2/(4 n) for N >= 3. *)
Definition T3_lipschitz_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  lipschitz_constant (segem N eps) (Rmax 1 ((n - 1) ^ 2 / (4 * n))) /\
  ((N <= 2)%nat -> Rmax 1 ((n - 1) ^ 2 / (4 * n)) = 1) /\ ((3 <= N)%nat -> Rmax 1 ((n - 1) ^ 2 / (4 * n)) = (n - 1) ^
    2 / (4 * n)).

(* for x != 0, SE-GEM' vanishes only at x* = -s (1/(n - 1))^(1/n). *)
Definition T4_alive_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  forall x, x <> 0 -> (Derive (segem N eps) x = 0 <-> x = - (s * Rpower (1 / (n - 1)) (1 / n))).

(* min SE-GEM = -s (n - 1)^(1 - 1/n)/n, reached only at x* = -s (1/(n - 1))^(1/n). *)
Definition T5_minimum_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  least (segem N eps) ((- s) * Rpower (n - 1) (1 - 1 / n) / n) (fun x => x = - (s * Rpower (1 / (n - 1)) (1 / n))).

(* ||SE-GEM - ReLU||_p^p = s^(p + 1)/n (B((p + 1)/n, p - (p + 1)/n)) for 1 <= p < oo with p (2N-1) > 1. *)
Definition T6_norm_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  forall p, 1 <= p -> 0 < p * (n - 1) - 1 ->
  ex_RInt_gen (beta_integrand ((p + 1) / n) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty) /\
  integral (fun x => power (Rabs (segem N eps x - relu x)) p)
    (Rpower s (p + 1) / n * beta ((p + 1) / n) (p - (p + 1) / n)).

(* the L^p distance is finite exactly when p (n - 1) - 1 > 0: unless N = p = 1. *)
Definition T6_finite_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall p, 1 <= p -> ((exists v, integral (fun x => power (Rabs (segem N eps x - relu x)) p) v) <-> 0 < p * (n - 1) -
    1).

(* sup |SE-GEM - ReLU| = s (n - 1)^(1 - 1/n)/n, reached at |x| = s (1/(n - 1))^(1/n); so the distance tends to 0 with
   eps in every L^p on bounded intervals. *)
Definition T6_sup_segem : Prop :=
  (forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  greatest (fun x => Rabs (segem N eps x - relu x)) (s * Rpower (n - 1) (1 - 1 / n) / n) (fun x => x = - (s * Rpower
    (1 / (n - 1)) (1 / n)))) /\
  (forall N : nat, (1 <= N)%nat -> forall d, 0 < d -> exists e, 0 < e /\
    forall eps x, 0 < eps < e -> Rabs (segem N eps x - relu x) <= d).

(* ||SE-GEM' - ReLU'||_1 = 2 s (n - 1)^(1 - 1/n)/n: twice the sup distance. *)
Definition T7_l1_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  integral (fun x => Rabs (Derive (segem N eps) x - step x)) (2 * s * Rpower (n - 1) (1 - 1 / n) / n).

(* sup |SE-GEM' - ReLU'| = Max(1, (n - 1)^2/(4 n)) for every eps: never small. *)
Definition T7_sup_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  supremum_off 0 (fun x => Rabs (Derive (segem N eps) x - step x)) (Rmax 1 ((n - 1) ^ 2 / (4 * n))).

(* for x < 0: |x| SE-GEM'' = n F S (1 + n (S - F)); f'' > 0 up to the only inflection at u = (n + 1)/(n - 1), f'' < 0
   beyond. *)
Definition T8_formula_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / eps in
  forall x, x < 0 ->
  is_derive_n (segem N eps) 2 x (n * segem_F N eps x * segem_S N eps x * (1 + n * (segem_S N eps x - segem_F N eps x))
    / Rabs x) /\
  (u x < (n + 1) / (n - 1) -> 0 < Derive_n (segem N eps) 2 x) /\ (u x = (n + 1) / (n - 1) -> Derive_n (segem N eps) 2
    x = 0) /\
  ((n + 1) / (n - 1) < u x -> Derive_n (segem N eps) 2 x < 0).

(* sup |SE-GEM''| = n v^(1 - 1/n) ((n + 1) - (n - 1) v)/(s (1 + v)^3), v = (2 n^2 + 1 - n sqrt(3 (n^2 + 2)))/(n^2 -
   1). *)
Definition T8_curvature_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  let v := (2 * n ^ 2 + 1 - n * sqrt (3 * (n ^ 2 + 2))) / (n ^ 2 - 1) in
  let m := n * Rpower v (1 - 1 / n) * (n + 1 - (n - 1) * v) / (s * (1 + v) ^ 3) in
  (forall x, Rabs (Derive_n (segem N eps) 2 x) <= m) /\ (exists x, Rabs (Derive_n (segem N eps) 2 x) = m).

(* SE-GEM(x) = eps x^(1 - n) + O(x^(1 - 2 n)) as x -> -oo. *)
Definition T9_left_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  is_lim (fun x => (segem N eps x - (eps * powerRZ x (1 - 2 * Z.of_nat N)%Z)) / powerRZ x (1 - 4 * Z.of_nat N)%Z)
    m_infty (- eps ^ 2).

(* at 0-, SE-GEM(x) = sum over k >= 0 of (-1)^k x u^(k + 0), u = x^n/eps, with radius of convergence s. *)
Definition T9_series_segem : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in let u x := Rabs x ^ (2 * N) / eps in
  forall x, x < 0 ->
  (Rabs x < s -> is_series (fun k => (- 1) ^ k * (x * u x ^ (k + 0))) (segem N eps x)) /\
  (s <= Rabs x -> ~ ex_series (fun k => (- 1) ^ k * (x * u x ^ (k + 0)))).

(** * What is claimed of SE-GEM (gated tail) *)

(* SE-GEM (gated tail) is C^(4 N) on R and not C^(4 N + 1). *)
Definition T2_smoothness_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  exactly_of_class (4 * N) (segem_gated N eps) 0.

(* the derivative of order 4 N + 1 jumps at 0 from (4 N + 1)! (-2/eps^2) to (4 N + 1)! (-1/eps^2). *)
Definition T2_jump_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  jumps (4 * N + 1) (segem_gated N eps) 0
    (INR (fact (4 * N + 1)) * ((- 2) / eps ^ 2))
    (INR (fact (4 * N + 1)) * ((- 1) / eps ^ 2)).

(* all poles of SE-GEM (gated tail) are off the real line, so it is C^oo off 0. *)
Definition T2_poles_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  (forall x, eps + x ^ (2 * N) <> 0) /\ smooth (segem_gated_left N eps) /\ smooth (segem_gated_right N eps) /\
    smooth_off 0 (segem_gated N eps).

(* for x < 0: SE-GEM (gated tail)' = F S (1 + n (S - F)). *)
Definition T3_formula_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall x, x < 0 -> is_derive (segem_gated N eps) x (segem_gated_F N eps x * segem_gated_S N eps x * (1 + n *
    (segem_gated_S N eps x - segem_gated_F N eps x))).

(* sup of SE-GEM (gated tail)' over R = (n + 1)^2/(4 n), reached only where x > 0 and u = (n + 1)/(n - 1). *)
Definition T3_supremum_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let u x := Rabs x ^ (2 * N) / eps in
  greatest (Derive (segem_gated N eps)) ((n + 1) ^ 2 / (4 * n)) (fun x => 0 < x /\ u x = (n + 1) / (n - 1)).

(* Lip(SE-GEM (gated tail)) = (n + 1)^2/(4 n), whatever eps is. *)
Definition T3_lipschitz_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  lipschitz_constant (segem_gated N eps) ((n + 1) ^ 2 / (4 * n)).

(* for x != 0, SE-GEM (gated tail)' vanishes only at x* = -s ((n + 1)/(n - 1))^(1/n). *)
Definition T4_alive_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  forall x, x <> 0 -> (Derive (segem_gated N eps) x = 0 <-> x = - (s * Rpower ((n + 1) / (n - 1)) (1 / n))).

(* min SE-GEM (gated tail) = -s ((n + 1)/(n - 1))^(1/n) (n^2 - 1)/(4 n^2), reached only at x* = -s ((n + 1)/(n -
   1))^(1/n). *)
Definition T5_minimum_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  least (segem_gated N eps) ((- s) * Rpower ((n + 1) / (n - 1)) (1 / n) * (n ^ 2 - 1) / (4 * n ^ 2)) (fun x => x = -
    (s * Rpower ((n + 1) / (n - 1)) (1 / n))).

(* ||SE-GEM (gated tail) - ReLU||_p^p = s^(p + 1)/n (B((p + 1)/n, p - (p + 1)/n) + B((p + 1)/n + p, p - (p + 1)/n))
   for 1 <= p < oo with p (2N-1) > 1. *)
Definition T6_norm_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  forall p, 1 <= p -> 0 < p * (n - 1) - 1 ->
  ex_RInt_gen (beta_integrand ((p + 1) / n) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty) /\
  ex_RInt_gen (beta_integrand ((p + 1) / n + p) (p - (p + 1) / n)) (at_right 0) (Rbar_locally p_infty) /\
  integral (fun x => power (Rabs (segem_gated N eps x - relu x)) p)
    (Rpower s (p + 1) / n * (beta ((p + 1) / n) (p - (p + 1) / n) + beta ((p + 1) / n + p) (p - (p + 1) / n))).

(* the L^p distance is finite exactly when p (n - 1) - 1 > 0: unless N = p = 1. *)
Definition T6_finite_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in
  forall p, 1 <= p -> ((exists v, integral (fun x => power (Rabs (segem_gated N eps x - relu x)) p) v) <-> 0 < p * (n
    - 1) - 1).

(* sup |SE-GEM (gated tail) - ReLU| = s (n - 1)^(1 - 1/n)/n, reached at |x| = s (1/(n - 1))^(1/n); so the distance
   tends to 0 with eps in every L^p on bounded intervals. *)
Definition T6_sup_segem_gated : Prop :=
  (forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  let n := INR (2 * N) in let s := Rpower eps (1 / n) in
  greatest (fun x => Rabs (segem_gated N eps x - relu x)) (s * Rpower (n - 1) (1 - 1 / n) / n) (fun x => x = s *
    Rpower (1 / (n - 1)) (1 / n))) /\
  (forall N : nat, (1 <= N)%nat -> forall d, 0 < d -> exists e, 0 < e /\
    forall eps x, 0 < eps < e -> Rabs (segem_gated N eps x - relu x) <= d).

(* SE-GEM (gated tail)(x) = x - eps x^(1 - n) + O(x^(1 - 2 n)) as x -> oo. *)
Definition T9_right_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  is_lim (fun x => (segem_gated N eps x - (x - eps * powerRZ x (1 - 2 * Z.of_nat N)%Z)) / powerRZ x (1 - 4 * Z.of_nat
    N)%Z) p_infty (eps ^ 2).

(* SE-GEM (gated tail)(x) = eps x^(1 - n) + O(x^(1 - 2 n)) as x -> -oo. *)
Definition T9_left_segem_gated : Prop :=
  forall (N : nat) (eps : R), (1 <= N)%nat -> 0 < eps ->
  is_lim (fun x => (segem_gated N eps x - (eps * powerRZ x (1 - 2 * Z.of_nat N)%Z)) / powerRZ x (1 - 4 * Z.of_nat
    N)%Z) m_infty ((- 2) * eps ^ 2).
