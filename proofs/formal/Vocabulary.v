(* The words that the statements are written in. A reader who wants to know what is proved reads this file and
   Statements.v; everything else is proof. *)
From Coq Require Export Reals Lra Lia.
From Coquelicot Require Export Coquelicot.
Open Scope R_scope.

Definition relu (x : R) : R := Rmax 0 x.

(* x |-> left x up to a, and right x beyond. *)
Definition glue (a : R) (left right : R -> R) (x : R) : R := if Rle_dec x a then left x else right x.

(** ** Smoothness *)

(* f is C^k on R. *)
Definition of_class (k : nat) (f : R -> R) : Prop :=
  forall j x, (j <= k)%nat -> ex_derive_n f j x /\ continuous (Derive_n f j) x.

(* f is C^oo on R. *)
Definition smooth (f : R -> R) : Prop := forall k x, ex_derive_n f k x.

(* f is C^oo at every point but a. *)
Definition smooth_off (a : R) (f : R -> R) : Prop := forall k x, x <> a -> ex_derive_n f k x.

(* f is C^k on R, and at a it has no derivative of order k + 1. *)
Definition exactly_of_class (k : nat) (f : R -> R) (a : R) : Prop := of_class k f /\ ~ ex_derive_n f (k + 1) a.

(* The k-th derivative of f tends to l from the left of a, and to r from its right. *)
Definition jumps (k : nat) (f : R -> R) (a l r : R) : Prop :=
  filterlim (Derive_n f k) (at_left a) (locally l) /\ filterlim (Derive_n f k) (at_right a) (locally r).

(** ** Extreme values *)

(* v is the greatest value of f; it is reached where P holds, which is somewhere, and nowhere else. *)
Definition greatest (f : R -> R) (v : R) (P : R -> Prop) : Prop :=
  (forall x, f x <= v) /\ (forall x, f x = v <-> P x) /\ exists x, P x.
Definition least (f : R -> R) (v : R) (P : R -> Prop) : Prop :=
  (forall x, v <= f x) /\ (forall x, f x = v <-> P x) /\ exists x, P x.

(* K is the Lipschitz constant of f: the least number with |f y - f x| <= K |y - x| for all x and y. *)
Definition lipschitz (K : R) (f : R -> R) : Prop := forall x y, Rabs (f y - f x) <= K * Rabs (y - x).
Definition lipschitz_constant (f : R -> R) (K : R) : Prop := lipschitz K f /\ forall L, lipschitz L f -> K <= L.

(** ** Distances *)

(* a^p for a >= 0 and p > 0; the standard library's power is 1 at a = 0. *)
Definition power (a p : R) : R := if Rle_dec a 0 then 0 else Rpower a p.

(* The integral of f over the real line is v. *)
Definition integral (f : R -> R) (v : R) : Prop := is_RInt_gen f (Rbar_locally m_infty) (Rbar_locally p_infty) v.

(* Euler's beta function, as an integral over the positive half-line. *)
Definition beta_integrand (a b t : R) : R := Rpower t (a - 1) * Rpower (1 + t) (- (a + b)).
Definition beta (a b : R) : R := RInt_gen (beta_integrand a b) (at_right 0) (Rbar_locally p_infty).

(* The derivative of ReLU, off 0. *)
Definition step (x : R) : R := if Rle_dec x 0 then 0 else 1.

(* v is the least upper bound of f at the points other than a. *)
Definition supremum_off (a : R) (f : R -> R) (v : R) : Prop :=
  (forall x, x <> a -> f x <= v) /\ forall w, (forall x, x <> a -> f x <= w) -> v <= w.
