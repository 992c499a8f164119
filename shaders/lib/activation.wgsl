// Pointwise nonlinearities and their derivatives. Which one is a head constant of the including file:
// 0 gelu (tanh), 1 gelu (erf), 2 relu, 3 silu; the numbers are those of src/kernels/activation.rs.
