"""The operations that a judge will run, each by its exact name and overload.

Left out on purpose: whatever reads memory that it did not write (`aten.empty*`, `as_strided`, `set_`, `resize_`),
touches files, processes or the state of the random generator, or writes into an `out` argument. Those that are safe
with the right arguments only have a guard (guards.py). Random operations are in: dropout needs them. A name not
listed here is refused, so an addition is a decision.
"""

import functools
import keyword
import math
import operator
from collections.abc import Callable
from typing import Any

_PURE = """
abs absolute acos acosh adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_avg_pool3d
_adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d add.Tensor add.Scalar addbmm addcdiv
addcmul addmm addmm.dtype addmv addr adjoint affine_grid_generator alias all all.dim all.dims amax amin aminmax angle
any any.dim any.dims arange arange.start arange.start_step arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax
argmin argsort argsort.stable argwhere asin asinh atan atan2 atanh atleast_1d atleast_1d.Sequence atleast_2d
atleast_2d.Sequence atleast_3d atleast_3d.Sequence avg_pool1d avg_pool2d avg_pool3d baddbmm baddbmm.dtype batch_norm
bilinear binary_cross_entropy binary_cross_entropy_with_logits bincount bitwise_and.Tensor bitwise_and.Scalar
bitwise_and.Scalar_Tensor bitwise_left_shift.Tensor bitwise_left_shift.Tensor_Scalar bitwise_left_shift.Scalar_Tensor
bitwise_not bitwise_or.Tensor bitwise_or.Scalar bitwise_or.Scalar_Tensor bitwise_right_shift.Tensor
bitwise_right_shift.Tensor_Scalar bitwise_right_shift.Scalar_Tensor bitwise_xor.Tensor bitwise_xor.Scalar
bitwise_xor.Scalar_Tensor blackman_window blackman_window.periodic block_diag bmm bmm.dtype broadcast_tensors
broadcast_to bucketize.Tensor bucketize.Scalar cartesian_prod cat cdist ceil celu chain_matmul channel_shuffle chunk
clamp clamp.Tensor clamp_max clamp_max.Tensor clamp_min clamp_min.Tensor clip clip.Tensor clone col2im column_stack
combinations complex concat concatenate conj conj_physical constant_pad_nd contiguous conv1d conv1d.padding conv2d
conv2d.padding conv3d conv3d.padding conv_tbc conv_transpose1d conv_transpose2d.input conv_transpose3d.input
convolution copy copysign.Tensor copysign.Scalar corrcoef cos cosh cosine_embedding_loss cosine_similarity
count_nonzero count_nonzero.dim_IntList cov cross cross_entropy_loss cummax cummin cumprod cumsum
cumulative_trapezoid.x cumulative_trapezoid.dx deg2rad det detach diag diag_embed diagflat diagonal diagonal_scatter
diff digamma dist div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode divide.Tensor divide.Scalar divide.Tensor_mode
divide.Scalar_mode dot dsplit.int dsplit.array dstack einsum elu embedding embedding_bag.padding_idx eq.Tensor
eq.Scalar erf erfc erfinv exp exp2 expand expand_as expm1 eye eye.m fft_fft fft_fft2 fft_fftfreq fft_fftn fft_fftshift
fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_ihfft fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2
fft_rfftfreq fft_rfftn fill.Scalar fill.Tensor fix flatten.using_ints flip fliplr flipud float_power.Tensor_Tensor
float_power.Tensor_Scalar float_power.Scalar floor floor_divide floor_divide.Scalar fmax fmin fmod.Tensor fmod.Scalar
frac fractional_max_pool2d frobenius_norm.dim full full_like gather ge.Tensor ge.Scalar gelu ger glu greater.Tensor
greater.Scalar greater_equal.Tensor greater_equal.Scalar grid_sampler group_norm gru.input gru_cell gt.Tensor
gt.Scalar hamming_window hamming_window.periodic hamming_window.periodic_alpha hamming_window.periodic_alpha_beta
hann_window hann_window.periodic hardshrink hardsigmoid hardswish hardtanh heaviside hinge_embedding_loss histc
hsplit.int hsplit.array hstack huber_loss hypot i0 im2col imag index.Tensor index_add index_copy index_fill.int_Tensor
index_fill.int_Scalar index_put index_reduce index_select inner instance_norm inverse isclose isfinite
isin.Tensor_Tensor isin.Tensor_Scalar isin.Scalar_Tensor isinf isnan isneginf isposinf isreal istft item kaiser_window
kaiser_window.periodic kaiser_window.beta kl_div kron kthvalue l1_loss layer_norm ldexp.Tensor le.Tensor le.Scalar
leaky_relu lerp.Scalar lerp.Tensor less.Tensor less.Scalar less_equal.Tensor less_equal.Scalar lgamma lift_fresh
lift_fresh_copy linalg_cholesky linalg_cross linalg_det linalg_diagonal linalg_eigh linalg_eigvalsh
linalg_householder_product linalg_inv linalg_matmul linalg_matrix_exp linalg_matrix_norm linalg_matrix_norm.str_ord
linalg_matrix_power linalg_multi_dot linalg_norm linalg_norm.ord_str linalg_pinv linalg_qr linalg_slogdet linalg_solve
linalg_solve_triangular linalg_svd linalg_svdvals linalg_vecdot linalg_vector_norm linear linspace.Tensor_Tensor
linspace.Tensor_Scalar linspace.Scalar_Tensor linspace log log10 log1p log2 log_sigmoid log_softmax.int logaddexp
logaddexp2 logcumsumexp logdet logical_and logical_not logical_or logical_xor logit logspace.Tensor_Tensor
logspace.Tensor_Scalar logspace.Scalar_Tensor logspace logsumexp lstm.input lstm_cell lt.Tensor lt.Scalar
margin_ranking_loss matrix_H mH mT mT.a masked_fill.Scalar masked_fill.Tensor masked_scatter masked_select matmul
matrix_exp matrix_power max.other max max.dim max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices
max_pool3d max_pool3d_with_indices max_unpool2d maximum mean mean.dim median median.dim meshgrid meshgrid.indexing
min.other min min.dim minimum mish mm mm.dtype mode moveaxis.intlist moveaxis.int movedim.int movedim.intlist mse_loss
msort mul.Tensor mul.Scalar multiply.Tensor multiply.Scalar mv mvlgamma nan_to_num nanmean nanmedian nanmedian.dim
nanquantile nanquantile.scalar nansum narrow narrow.Tensor narrow_copy ne.Tensor ne.Scalar neg negative new_full
new_ones new_zeros nll_loss_nd nonzero nonzero_numpy norm.Scalar norm.ScalarOpt_dim norm.ScalarOpt_dim_dtype
norm.ScalarOpt_dtype not_equal.Tensor not_equal.Scalar numpy_T one_hot ones ones_like outer pad pairwise_distance
pdist permute pixel_shuffle pixel_unshuffle poisson_nll_loss polar polygamma positive pow.Tensor_Tensor
pow.Tensor_Scalar pow.Scalar prelu prod prod.dim_int quantile quantile.scalar rad2deg ravel real reciprocal
reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 remainder.Tensor remainder.Scalar
remainder.Scalar_Tensor renorm repeat repeat_interleave.Tensor repeat_interleave.self_Tensor
repeat_interleave.self_int replication_pad1d replication_pad2d replication_pad3d reshape reshape_as resolve_conj
resolve_neg rms_norm rnn_relu.input rnn_relu_cell rnn_tanh.input rnn_tanh_cell roll rot90 round round.decimals
row_stack rsqrt rsub.Tensor rsub.Scalar scalar_tensor scaled_dot_product_attention scatter.value scatter.src
scatter.reduce scatter.value_reduce scatter_add scatter_reduce.two searchsorted.Tensor searchsorted.Scalar select.int
select_scatter selu sgn sigmoid sign signbit silu sin sinc sinh slice.Tensor slice_scatter slogdet smooth_l1_loss
softmax.int softplus softshrink sort sort.stable special_airy_ai special_bessel_j0 special_bessel_j1
special_chebyshev_polynomial_t special_chebyshev_polynomial_t.n_scalar special_chebyshev_polynomial_u
special_chebyshev_polynomial_u.n_scalar special_digamma special_entr special_erf special_erfc special_erfcx
special_erfinv special_exp2 special_expit special_expm1 special_gammainc special_gammaincc special_gammaln
special_hermite_polynomial_h special_hermite_polynomial_h.n_scalar special_hermite_polynomial_he
special_hermite_polynomial_he.n_scalar special_i0 special_i0e special_i1 special_i1e special_laguerre_polynomial_l
special_laguerre_polynomial_l.n_scalar special_legendre_polynomial_p special_legendre_polynomial_p.n_scalar
special_log1p special_log_ndtr special_log_softmax special_logit special_logsumexp special_modified_bessel_i0
special_modified_bessel_i1 special_ndtr special_ndtri special_psi special_round special_sinc special_softmax
special_xlog1py special_xlog1py.other_scalar special_xlog1py.self_scalar special_xlogy special_xlogy.other_scalar
special_xlogy.self_scalar split.Tensor split.sizes split split_with_sizes sqrt square squeeze squeeze.dim squeeze.dims
stack std std.dim std.correction std_mean std_mean.dim std_mean.correction stft stft.center sub.Tensor sub.Scalar
subtract.Tensor subtract.Scalar sum.dim_IntList sum sum_to_size swapaxes swapdims sym_numel sym_size.int t take
take_along_dim tan tanh tensor_split.sections tensor_split.indices tensor_split.tensor_indices_or_sections tensordot
threshold tile to.device to.dtype to.other to.dtype_layout topk trace transpose.int trapezoid.x trapezoid.dx trapz.x
trapz.dx tril tril_indices triplet_margin_loss triu triu_indices true_divide.Tensor true_divide.Scalar trunc type_as
unbind.int unflatten.int unfold unsafe_chunk unsafe_split.Tensor unsafe_split_with_sizes _unsafe_view unsqueeze
upsample_bicubic2d upsample_bicubic2d.vec _upsample_bicubic2d_aa _upsample_bicubic2d_aa.vec upsample_bilinear2d
upsample_bilinear2d.vec _upsample_bilinear2d_aa _upsample_bilinear2d_aa.vec upsample_linear1d upsample_linear1d.vec
upsample_nearest1d upsample_nearest1d.vec upsample_nearest2d upsample_nearest2d.vec upsample_nearest3d
upsample_nearest3d.vec _upsample_nearest_exact1d _upsample_nearest_exact1d.vec _upsample_nearest_exact2d
_upsample_nearest_exact2d.vec _upsample_nearest_exact3d _upsample_nearest_exact3d.vec upsample_trilinear3d
upsample_trilinear3d.vec vander var var.dim var.correction var_mean var_mean.dim var_mean.correction vdot view
view.dtype view_as view_as_complex view_as_real vsplit.int vsplit.array vstack _weight_norm where where.self
where.ScalarOther where.ScalarSelf where.Scalar xlogy.Tensor xlogy.Scalar_Other xlogy.Scalar_Self zero zeros
zeros_like
"""

_RANDOM = """
alpha_dropout bernoulli bernoulli.p bernoulli.Tensor dropout feature_alpha_dropout feature_dropout multinomial
normal.Tensor_float normal.float_Tensor normal.Tensor_Tensor normal.float_float normal_functional rand rand_like
randint randint.low randint_like randint_like.Tensor randint_like.low_dtype randn randn_like randperm rrelu
"""

_IN_PLACE = """
abs_ add_.Tensor add_.Scalar addcdiv_ addcmul_ addmm_ alpha_dropout_ atan_ baddbmm_ bernoulli_.Tensor bernoulli_.float
bitwise_and_.Tensor bitwise_and_.Scalar bitwise_or_.Tensor bitwise_or_.Scalar ceil_ celu_ clamp_ clamp_.Tensor
clamp_max_ clamp_max_.Tensor clamp_min_ clamp_min_.Tensor clip_ clip_.Tensor copy_ cos_ cosh_ cumprod_ cumsum_ detach_
div_.Tensor div_.Tensor_mode div_.Scalar div_.Scalar_mode divide_.Tensor divide_.Tensor_mode divide_.Scalar_mode
divide_.Scalar dropout_ elu_ eq_.Scalar eq_.Tensor erf_ exp_ expm1_ exponential_ feature_alpha_dropout_
feature_dropout_ fill_.Scalar fill_.Tensor fill_diagonal_ floor_ floor_divide_.Tensor floor_divide_.Scalar
fmod_.Tensor fmod_.Scalar frac_ ge_.Scalar ge_.Tensor gelu_ gt_.Scalar gt_.Tensor hardsigmoid_ hardswish_ hardtanh_
index_add_ index_copy_ index_fill_.int_Tensor index_fill_.int_Scalar index_put_ le_.Scalar le_.Tensor leaky_relu_
lerp_.Scalar lerp_.Tensor log_ log1p_ logical_and_ logical_not_ logical_or_ lt_.Scalar lt_.Tensor masked_fill_.Scalar
masked_fill_.Tensor masked_scatter_ mish_ mul_.Tensor mul_.Scalar multiply_.Tensor multiply_.Scalar nan_to_num_
ne_.Scalar ne_.Tensor neg_ normal_ pow_.Scalar pow_.Tensor reciprocal_ relu_ relu6_ remainder_.Tensor
remainder_.Scalar round_ round_.decimals rrelu_ rsqrt_ scatter_.src scatter_.value scatter_.reduce
scatter_.value_reduce scatter_add_ scatter_reduce_.two selu_ sigmoid_ sign_ silu_ sin_ sinc_ sinh_ sqrt_ square_
sub_.Tensor sub_.Scalar subtract_.Tensor subtract_.Scalar tan_ tanh_ threshold_ tril_ triu_ true_divide_.Tensor
true_divide_.Scalar trunc_ uniform_ zero_
"""

_OPERATORS = "add sub mul floordiv mod truediv neg pos abs eq ne lt le gt ge and_ or_ not_ getitem"
_ON_NUMBERS: dict[str, Callable[..., Any]] = {
    **{f"operator.{name}": getattr(operator, name) for name in _OPERATORS.split()},
    **{f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")},
    "operator.pow": pow,  # not operator.pow: torch.fx would write -2 ** n for (-2) ** n
    "builtins.round": round,
}
"""Python's own, on the sizes that a graph computes."""

_SYMBOLIC = ("sym_int", "sym_float", "sym_max", "sym_min", "sym_not", "sym_ite", "sym_sum", "sym_sqrt")


def _names(listed: str) -> frozenset[str]:
    return frozenset(f"aten.{name}" if "." in name else f"aten.{name}.default" for name in listed.split())


IN_PLACE = _names(_IN_PLACE)
"""Operations that write into their first argument and return it."""

ATEN = _names(_PURE) | _names(_RANDOM) | IN_PLACE
ALLOWED = ATEN | frozenset(_ON_NUMBERS) | frozenset(f"torch.{name}" for name in _SYMBOLIC)


def callable_of(name: str) -> Callable[..., Any]:
    """The function behind an allowed name, with its guard if it has one. Raises KeyError for any other name."""
    from neuromosaic.core.graph.guards import GUARDS

    return GUARDS.get(name) or _callables()[name]


def keywords_of(name: str) -> frozenset[str]:
    """The keyword arguments that an allowed name takes. Python's own operations take none."""
    if name not in ATEN:
        return frozenset()
    names = (argument.name for argument in _callables()[name]._schema.arguments)  # type: ignore[attr-defined]
    return frozenset(name for name in names if not keyword.iskeyword(name))


def name_of(function: object) -> str:
    """The inverse of `callable_of`, for any function that torch.export may put into a graph.

    The name of one that is not allowed is not in `ALLOWED`.
    """
    import torch

    if isinstance(function, torch._ops.OpOverload):
        return str(function)
    for name, known in _callables().items():
        if known is function:
            return name
    module = getattr(function, "__module__", None) or "torch"
    return f"{module.removeprefix('_')}.{getattr(function, '__name__', function)}"


@functools.cache
def _callables() -> dict[str, Callable[..., Any]]:
    import torch

    def overload(name: str) -> Callable[..., Any]:
        _, packet, which = name.split(".")
        return getattr(getattr(torch.ops.aten, packet), which)  # type: ignore[no-any-return]

    symbolic = {f"torch.{name}": getattr(torch, name) for name in _SYMBOLIC}
    return {**{name: overload(name) for name in sorted(ATEN)}, **_ON_NUMBERS, **symbolic}
