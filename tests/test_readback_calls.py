"""Calls read back: what dispatches, launches and differentiates, altered in every way, is refused."""

import pytest
from altered import altered, refused

#: What is replaced in SE-GEM's file, once, and by what.
PARAMETERS = {
    "constants of another type": ("*_FORMATS[kind])", "*_FORMATS[torch.float64])"),
    "constants of the narrower type": ("found = wide if kind == torch.float64 else narrow", "found = narrow"),
    "constants of the wider type": ("found = wide if kind == torch.float64 else narrow", "found = wide"),
    "constants exchanged": ("found = wide if kind", "found = narrow if kind"),
    "no scale raises": ("    if found is None:\n", "    if N is None:\n"),
    "a scale out of range is computed with": (
        "        found = scale_constants(N, eps, *_FORMATS[kind])",
        "        found = wide if narrow is None else scale_constants(N, eps, *_FORMATS[kind])",
    ),
    "swapped constants": (
        "    return N, *found, pair",
        "    s, inv_s = found\n    return N, inv_s, s, pair",
    ),
    "swapped constants of the launch": (
        "_launch(tensors, bias, strides, columns, order, N, s, inv_s, *pair)",
        "_launch(tensors, bias, strides, columns, order, N, inv_s, s, *pair)",
    ),
    "swapped constants of the launch of gradients": (
        "columns, 1, N, s, inv_s, *pair)",
        "columns, 1, N, inv_s, s, *pair)",
    ),
    "another degree of the root": ("constants = root(eps, 2 * N, bits)", "constants = root(eps, N, bits)"),
    "the root's rounding": ("2 * rest > unit", "2 * rest >= unit"),
    "another eps": ("constants(N, eps, scale, tuple", "constants(N, eps * eps, scale, tuple"),
    "another N": ("constants(N, eps, scale, tuple", "constants(N + 1, eps, scale, tuple"),
    "eps for scale": ("constants(N, eps, scale, tuple", "constants(N, scale, eps, tuple"),
    "eps for scale, by the function": (
        "return _activate(x, bias, _setting(N, eps, scale)",
        "return _activate(x, bias, _setting(N, scale, eps)",
    ),
    "scale is ignored": ("_activate(x, bias, _setting(N, eps, scale)", "_activate(x, bias, _setting(N, eps, None)"),
    "scale is ignored by the gated unit": (
        "return _activate_gated(x, up, _setting(N, eps, scale)",
        "return _activate_gated(x, up, _setting(N, eps, None)",
    ),
    "the module ignores eps": ("self.setting = _setting(N, eps, scale)", "self.setting = _setting(N, None, scale)"),
    "another N of the gated module": (
        "        return _activate_gated(x, up, self.setting, self.accurate)",
        "        N, *rest = self.setting\n        return _activate_gated(x, up, (N + 1, *rest), self.accurate)",
    ),
    "fewer bits": ("torch.float32: (24,", "torch.float32: (23,"),
    "formats in another order": ("N, eps, narrow, wide, pair = setting", "N, eps, wide, narrow, pair = setting"),
    "what is remembered depends on the world": (
        "    return constants(N, eps",
        "    N = N if torch.compiler.is_compiling() else N\n    return constants(N, eps",
    ),
    "a changed carried function": (
        "    N, eps = resolve(N, eps, scale)\n    found",
        "    N, eps = resolve(N, eps)\n    found",
    ),
    "a changed memory": ("maxsize=None, typed=True", "maxsize=None, typed=False"),
    "a changed layout": ("t.stride() == strides for t in others", "t.stride() != strides for t in others"),
    "changed gradients": ("*halves, w)", "*halves[::-1], w)"),
    "a case for some N of the call": (
        "    return _activate(x, bias, _setting",
        "    N = 2 if N in (3, 4) else N\n    return _activate(x, bias, _setting",
    ),
    "a case for floats": (
        "    return _activate(x, bias, _setting",
        "    eps = 2 * eps if isinstance(eps, float) else eps\n    return _activate(x, bias, _setting",
    ),
}
PAIRS = {
    "never": ("paired = accurate and", "paired = accurate and N == 0 and"),
    "always": ("paired = accurate and x.dtype", "paired = x.dtype"),
    "the other way round": ("paired = accurate and", "paired = not accurate and"),
    "for every type": ("accurate and x.dtype == torch.float32 and", "accurate and"),
    "for a 16-bit type": (
        "accurate and x.dtype == torch.float32",
        "accurate and x.dtype in (torch.float32, torch.float16)",
    ),
    "for another type": ("accurate and x.dtype == torch.float32", "accurate and x.dtype == torch.bfloat16"),
    "forgotten by the function": ("_setting(N, eps, scale), accurate)", "_setting(N, eps, scale), False)"),
    "forgotten by the gated unit": (
        "_activate_gated(x, up, _setting(N, eps, scale), accurate)",
        "_activate_gated(x, up, _setting(N, eps, scale), False)",
    ),
    "forgotten by the module": ("        self.accurate = accurate", "        self.accurate = False"),
    "forgotten by the module's call": ("x, None, self.setting, self.accurate)", "x, None, self.setting, False)"),
    "forgotten by the gated module's call": ("x, up, self.setting, self.accurate)", "x, up, self.setting, False)"),
    "asked for by default": ("accurate=False, bias=None):\n    ", "accurate=True, bias=None):\n    "),
    "not shown by the module": ("{', accurate=True' if self.accurate else ''}", ""),
    "shown by every module": ("{', accurate=True' if self.accurate else ''}", ", accurate=True"),
    "shown by the other modules": ("if self.accurate else ''", "if not self.accurate else ''"),
    "forgotten by scale": (
        "    return _activate(x, bias, _setting",
        "    accurate = accurate and scale is None\n    return _activate(x, bias, _setting",
    ),
    "forgotten by the launch": (
        "    y = tensors[0]\n",
        "    order, N, s, inv_s, *_ = constants\n    constants = (order, N, s, inv_s, *_NO_PAIR)\n    y = tensors[0]\n",
    ),
    "forgotten by the forward": (
        "return _triton_apply(x, g, bias, order, N, s, inv_s, pair)",
        "return _triton_apply(x, g, bias, order, N, s, inv_s, _NO_PAIR)",
    ),
    "forgotten by the backward": (
        "            grad_x = _elementwise(x, weight, bias, ctx.order + 1, *ctx.constants)",
        "            N, s, inv_s, *_ = ctx.constants\n"
        "            grad_x = _elementwise(x, weight, bias, ctx.order + 1, N, s, inv_s, _NO_PAIR)",
    ),
    "forgotten by the gradients": ("columns, 1, N, s, inv_s, *pair)", "columns, 1, N, s, inv_s, *_NO_PAIR)"),
    "up and down of the launch": (
        "inv_s, *pair)\n    return y",
        "inv_s, pair[0], pair[1], pair[3], pair[2])\n    return y",
    ),
    "the low part for the scale": (
        "order, N, s, inv_s, *pair)",
        "order, N, pair[0], inv_s, s, pair[1], pair[2], pair[3])",
    ),
    "of another kind of number": ("lows, up, 1 / up", "lows, up, 2 / up"),
    "another power of two": ("highest - 2 - binade", "highest - 1 - binade"),
    "low parts to fewer bits": (
        "math.copysign(float(root(abs(a - b), 1, bits)), a - b)",
        "math.copysign(float(root(abs(a - b), 1, 8)), a - b)",
    ),
}
DISPATCH = {
    "narrow on the CPU": ('wide = x.device.type == "cpu" and', 'wide = x.device.type == "cuda" and'),
    "wide in compiled code": (
        '    wide = x.device.type == "cpu" and not torch.compiler.is_compiling()',
        '    wide = x.device.type == "cpu"',
    ),
    "narrow in eager code": ('cpu" and not torch', 'cpu" and torch'),
    "compiled code reaches the kernel": (
        "(torch.Tensor, torch.nn.Parameter) and not torch.compiler.is_compiling()",
        "(torch.Tensor, torch.nn.Parameter)",
    ),
    "eager code does not reach the kernel": ("Parameter) and not torch", "Parameter) and torch"),
    "a subclass reaches the kernel": ("fitting and type(x) in (torch.Tensor, torch.nn.Parameter) and", "fitting and"),
    "a parameter does not reach the kernel": ("in (torch.Tensor, torch.nn.Parameter)", "in (torch.Tensor,)"),
    "float64 reaches the kernel": ("x.is_cuda and x.dtype != torch.float64", "x.is_cuda"),
    "a kernel on the CPU": ("triton is not None and x.is_cuda and", "triton is not None and"),
    "a kernel without triton": ("fitting = triton is not None and x", "fitting = x"),
    "a number reaches the kernel with its bias": ("and (bias is None or bias.dim() == 1)", "and 1 == 1"),
    "no bias reaches the kernel": ("and (bias is None or bias.dim() == 1)", "and bias is None"),
    "eager 16 and 32 bits on the CPU by the plain plan": (
        "functions = _WIDE if kind == torch.float64 and x.dtype != torch.float64 else _COMPOSITES",
        "functions = _COMPOSITES",
    ),
    "eager 16 bits on the CPU by the plain plan": (
        "and x.dtype != torch.float64 else",
        "and x.dtype == torch.float32 else",
    ),
    "float64 by the wide plan": (
        "kind == torch.float64 and x.dtype != torch.float64 else",
        "kind == torch.float64 else",
    ),
    "all by the wide plan": ("functions = _WIDE if", "functions = _WIDE if 1 == 1 or"),
    "plans exchanged": ("functions = _WIDE if kind", "functions = _COMPOSITES if kind"),
    "the order of the wide functions": ("_WIDE = (_wide_value, _wide_first,", "_WIDE = (_wide_first, _wide_value,"),
    "a plain function among the wide ones": ("_WIDE = (_wide_value,", "_WIDE = (_value,"),
    "compiled code looks in the table": ("= _Elementwise if torch.compiler.is_compiling() else EAGER", "= EAGER"),
    "eager code does not look in the table": (
        'function = _Elementwise if torch.compiler.is_compiling() else EAGER["elementwise"]',
        "function = _Elementwise",
    ),
    "an exported graph gets a Function": ("if _exporting():", "if 1 == 2:"),
    "no compiled graph gets a Function": ("if _exporting():", "if torch.compiler.is_compiling():"),
    "compiled code asks whether it is exported": ("if _exporting():", "if torch.compiler.is_exporting():"),
    "the question is compiled": ("@uncompiled\n", ""),
    "asked outside whether code is compiled": (
        "return torch.compiler.is_exporting()",
        "return torch.compiler.is_compiling()",
    ),
    "an exported graph lacks its weight": (
        "        return _composite_apply(x, g, bias, order, N, s, inv_s)\n    function",
        "        return _composite_apply(x, None, bias, order, N, s, inv_s)\n    function",
    ),
    "an exported graph lacks its bias": (
        "        return _composite_apply(x, g, bias, order, N, s, inv_s)\n    function",
        "        return _composite_apply(x, g, None, order, N, s, inv_s)\n    function",
    ),
    "an exported graph is of another order": (
        "        return _composite_apply(x, g, bias, order, N, s, inv_s)\n    function",
        "        return _composite_apply(x, g, bias, order + 1, N, s, inv_s)\n    function",
    ),
    "the eager gated unit does not look in the table": ('return EAGER["gated"].apply', "return _Gated.apply"),
    "the eager gradients do not look in the table": ('grads = EAGER["gradients"].apply', "grads = _Gradients.apply"),
    "compiled gated units look in the table": (
        "        return _elementwise(gate, other.view_as(other), None, 0, *inputs)",
        '        return EAGER["elementwise"].apply(gate, other, None, 0, *inputs)',
    ),
    "compiled gated units are one Function": (
        "        return _elementwise(gate, other.view_as(other), None, 0, *inputs)",
        "        return _Gated.apply(x, up, *inputs)",
    ),
    "another Function in the table": ('"gradients": _Gradients}', '"gradients": _Gated}'),
}
AUTOGRAD = {
    "the backward's order": ("bias, ctx.order + 1, *ctx.constants)", "bias, ctx.order, *ctx.constants)"),
    "the backward's last order": ("if ctx.order + 1 == len", "if ctx.order == len"),
    "the weight of the backward": ("_elementwise(x, weight, bias", "_elementwise(x, grad, bias"),
    "the weight without the incoming gradient": ("else grad.to(_compute_type(x)) * g", "else g"),
    "the weight in the type of x": ("grad.to(_compute_type(x)) * g", "grad * g"),
    "the gradient of the weight": ("_elementwise(x, grad, bias, ctx.order,", "_elementwise(x, None, bias, ctx.order,"),
    "the gradient of the weight, of the next order": ("x, grad, bias, ctx.order,", "x, grad, bias, ctx.order + 1,"),
    "a gradient for another input": (
        "return grad_x, grad_g, grad_bias, None",
        "return grad_g, grad_x, grad_bias, None",
    ),
    "a missing gradient": ("grad_bias, None, None, None, None, None", "grad_bias, None, None, None, None"),
    "a gradient that is not needed": ("if ctx.needs_input_grad[1]:", "if ctx.needs_input_grad[0]:"),
    "another tensor is kept": ("ctx.save_for_backward(x, g, bias)", "ctx.save_for_backward(x, x, bias)"),
    "a wrong forward": (
        "pair)\n        return _composite_apply(x, g, bias, order, N",
        "pair)\n        return _composite_apply(x, g, bias, 0, N",
    ),
    "another function is exported": (
        "_exporting():\n        return _composite_apply(x, g, bias, order, N",
        "_exporting():\n        return _composite_apply(x, g, bias, 1, N",
    ),
    "the product rounded thrice": ("else y * g.to(kind)\n", "else (y + y) * g.to(kind) - y * g.to(kind)\n"),
    "x rounded before it is used": ("at = x.to(kind) if", "at = x.to(kind) + x.to(kind) - x.to(kind) if"),
    "constants rounded again": ("functions[order](at, s,", "functions[order](at, s * s * inv_s,"),
    "the weight is squared": ("else y * g.to(kind)\n", "else y * g.to(kind) * g.to(kind)\n"),
    "computed in the type of x": ("at = x.to(kind) if", "at = x if"),
    "the weight in the type of x, at the end": ("else y * g.to(kind)\n", "else y.to(x.dtype) * g\n"),
    "rounded twice": ("else y.to(x.dtype)\n", "else y.to(torch.float16).to(x.dtype)\n"),
    "not rounded": ("return y if kind == x.dtype else y.to(x.dtype)", "return y"),
    "not rounded from binary32": ("return y if kind == x.dtype else", "return y if kind == torch.float32 else"),
    "a function that calls itself": (
        "    kind = _compute_type(x)\n    at",
        "    kind = _composite_apply(x, g, bias, order, N, s, inv_s)\n    at",
    ),
}
BIAS = {
    "is ignored": ("_elementwise(x, None, bias, 0,", "_elementwise(x, None, None, 0,"),
    "is ignored by the composites": (
        "if bias is None else x.to(kind) + bias.to(kind)",
        "if bias is None else x.to(kind)",
    ),
    "is ignored by the kernel": (
        "            at = at + tl.load(bias + place, mask=mask).to(tl.float32)\n",
        "            at = at + 0\n",
    ),
    "is subtracted": ("else x.to(kind) + bias.to(kind)", "else x.to(kind) - bias.to(kind)"),
    "is subtracted by the kernel": ("at = at + tl.load(bias", "at = at - tl.load(bias"),
    "is added twice": ("else x.to(kind) + bias.to(kind)", "else x.to(kind) + bias.to(kind) + bias.to(kind)"),
    "is added where it is rounded": ("else x.to(kind) + bias.to(kind)", "else (x + bias).to(kind)"),
    "is rounded before": ("else x.to(kind) + bias.to(kind)", "else x.to(kind) + bias.to(x.dtype).to(kind)"),
    "is added in the type of bias": (
        "at + tl.load(bias + place, mask=mask).to(tl.float32)",
        "at + tl.load(bias + place, mask=mask)",
    ),
    "is added after the function": (
        "    y = functions[order](at, s, inv_s, N)\n",
        "    y = functions[order](x.to(kind), s, inv_s, N)\n    y = y if bias is None else y + bias.to(kind)\n",
    ),
    "of a row": ("tl.load(bias + place, mask", "tl.load(bias + 1024 + place, mask"),
    "without a mask": ("tl.load(bias + place, mask=mask)", "tl.load(bias + place, mask=None)"),
    "moves with the rows": (
        "            x += row * x_stride\n",
        "            x += row * x_stride\n            bias = bias if bias is None else x\n",
    ),
    "in gaps": ("bias if bias is None else bias.contiguous()", "bias"),
    "with rows of another length": ("matrices(None if bias is None else x.shape[-1], y", "matrices(None, y"),
    "with an output in another order": (", memory_format=torch.contiguous_format)", ")"),
    "is forgotten by the backward": ("_elementwise(x, weight, bias", "_elementwise(x, weight, None"),
    "is forgotten by the gradient of the weight": ("_elementwise(x, grad, bias", "_elementwise(x, grad, None"),
    "has no gradient": (
        "            grad_bias = grad_x.to(bias.dtype).sum_to_size(bias.shape)\n",
        "            grad_bias = None\n",
    ),
    "has the gradient of x": ("grad_x.to(bias.dtype).sum_to_size(bias.shape)", "grad_x.to(bias.dtype)"),
    "has a gradient of another type": (
        "grad_x.to(bias.dtype).sum_to_size(bias.shape)",
        "grad_x.sum_to_size(bias.shape)",
    ),
    "has another gradient": ("grad_bias = grad_x.to(", "grad_bias = grad.to("),
    "is differentiated only with x": (
        "if ctx.needs_input_grad[0] or ctx.needs_input_grad[2]:",
        "if ctx.needs_input_grad[0]:",
    ),
    "of any shape": (
        "not isinstance(bias, torch.Tensor) or bias.shape != x.shape[-1:]",
        "not isinstance(bias, torch.Tensor)",
    ),
    "of the shape of x": ("or bias.shape != x.shape[-1:]", "or bias.shape != x.shape"),
    "that is no tensor": (
        "(not isinstance(bias, torch.Tensor) or bias.shape != x.shape[-1:])",
        "bias.shape != x.shape[-1:]",
    ),
    "of another length": ("bias.shape != x.shape[-1:]", "bias.dim() != 1"),
}
GATED = {
    "up and gate exchanged": (
        "return x.chunk(2, -1) if up is None else (x, up)",
        "return x.chunk(2, -1) if up is None else (up, x)",
    ),
    "halves exchanged": (
        "    return x.chunk(2, -1) if up is None else (x, up)",
        "    a, b = x.chunk(2, -1) if up is None else (up, x)\n    return b, a",
    ),
    "other halves": ("x.chunk(2, -1)", "x.chunk(2, 0)"),
    "up is forgotten": (".forward(gate, other, None, 0", ".forward(gate, None, None, 0"),
    "up is forgotten where compiled": (
        "_elementwise(gate, other.view_as(other), None, 0",
        "_elementwise(gate, None, None, 0",
    ),
    "up is a bias": (".forward(gate, other, None, 0", ".forward(gate, None, other, 0"),
    "another order": (".forward(gate, other, None, 0", ".forward(gate, other, None, 1"),
    "the gate is no function": (".forward(gate, other, None, 0", ".forward(other, gate, None, 0"),
    "cat in the wrong order": (
        "torch.cat((grad_gate, grad_up), -1) if up is None else (grad_gate, grad_up)\n\n",
        "torch.cat((grad_up, grad_gate), -1) if up is None else (grad_gate, grad_up)\n\n",
    ),
    "gradients in the wrong order": (
        "-1) if up is None else (grad_gate, grad_up)\n\n",
        "-1) if up is None else (grad_up, grad_gate)\n\n",
    ),
    "cat along another dimension": ("torch.cat((grad_gate, grad_up), -1) if", "torch.cat((grad_gate, grad_up), 0) if"),
    "cat in the wrong order, at second order": (
        "(torch.cat((grad_gate, grad_up), -1), None)",
        "(torch.cat((grad_up, grad_gate), -1), None)",
    ),
    "gradients in the wrong order, at second order": (
        "None) if up is None else (grad_gate, grad_up)",
        "None) if up is None else (grad_up, grad_gate)",
    ),
    "a gradient for nothing": ("(grads, None) if up is None else grads", "(grads, grads) if up is None else grads"),
    "the gradients exchanged": (
        "return grad_x, grad_up, None, None, None, None\n",
        "return grad_up, grad_x, None, None, None, None\n",
    ),
    "the gradient of the gate without up": ("w.to(_compute_type(x)) * other, None, 1", "w, None, 1"),
    "the gradient of the gate without w": ("w.to(_compute_type(x)) * other, None, 1", "other, None, 1"),
    "the gradient of the gate rounded twice": (
        "w.to(_compute_type(x)) * other, None, 1",
        "(w.to(_compute_type(x)) * other).to(x.dtype), None, 1",
    ),
    "the gradient of the gate of another order": ("* other, None, 1, N", "* other, None, 0, N"),
    "the gradient of up without w": ("_composite_apply(gate, w, None, 0", "_composite_apply(gate, None, None, 0"),
    "the gradient of up of another order": ("_composite_apply(gate, w, None, 0", "_composite_apply(gate, w, None, 1"),
    "the gradient of up at another place": ("_composite_apply(gate, w, None, 0", "_composite_apply(other, w, None, 0"),
    "another tensor is kept": ("ctx.save_for_backward(x, up, w)", "ctx.save_for_backward(x, up, x)"),
    "another tensor is kept by the unit": ("ctx.save_for_backward(x, up)", "ctx.save_for_backward(x, x)"),
    "second order: the weight of the gate": (
        "_elementwise(gate, a * w * other, None, 2",
        "_elementwise(gate, a * w, None, 2",
    ),
    "second order: the order of the gate": ("a * w * other, None, 2", "a * w * other, None, 1"),
    "second order: the other weight of the gate": (
        "_elementwise(gate, b * w, None, 1",
        "_elementwise(gate, a * w, None, 1",
    ),
    "second order: a term of the gate": (
        "        grad_gate = grad_gate + _elementwise(gate, b * w, None, 1, *ctx.constants)\n",
        "",
    ),
    "second order: a difference": ("grad_gate = grad_gate + _elem", "grad_gate = grad_gate - _elem"),
    "second order: the weight of up": (
        "grad_up = _elementwise(gate, a * w, None, 1",
        "grad_up = _elementwise(gate, b * w, None, 1",
    ),
    "second order: the order of up": ("_elementwise(gate, a * w, None, 1", "_elementwise(gate, a * w, None, 0"),
    "second order: the weight of w": ("_elementwise(gate, a * other, None, 1", "_elementwise(gate, a * w, None, 1"),
    "second order: the other weight of w": ("_elementwise(gate, b, None, 0", "_elementwise(gate, a, None, 0"),
    "second order: the order of w": ("_elementwise(gate, b, None, 0", "_elementwise(gate, b, None, 1"),
    "second order: a term twice": ("grad_w = grad_w + _elem", "grad_w = grad_w + grad_w + _elem"),
    "second order: gradients exchanged": ("a, b = (grad.to", "b, a = (grad.to"),
    "second order: for another input": ("return grad_x, grad_up, grad_w, None", "return grad_w, grad_up, grad_x, None"),
    "second order: no gradient of w": ("return grad_x, grad_up, grad_w, None", "return grad_x, grad_up, None, None"),
    "second order: weights in the type of x": ("(grad.to(_compute_type(x)) for grad in", "(grad for grad in"),
    "an odd last dimension": ("if x.dim() == 0 or x.shape[-1] % 2:", "if x.dim() == 0:"),
    "a number": ("if x.dim() == 0 or x.shape[-1] % 2:", "if x.shape[-1] % 2:"),
    "another rest": ("x.shape[-1] % 2:", "x.shape[-1] % 3:"),
    "up of another shape": ("if x.shape != up.shape or x.dtype != up.dtype:", "if x.dtype != up.dtype:"),
    "up of another type": ("if x.shape != up.shape or x.dtype != up.dtype:", "if x.shape != up.shape:"),
    "up that is no tensor": ("        _check(up)\n", ""),
    "x that is no tensor": ("    _check(x)\n    if up", "    if up"),
    "another error": ('raise ValueError(f"up must', 'raise TypeError(f"up must'),
    "a module of another class": ("class SEGEMGLU(SEGEM):", "class SEGEMGLU(torch.nn.Module):"),
    "a module that builds itself": (
        "    def forward(self, x, up=None):",
        "    def __init__(self):\n        super().__init__()\n\n    def forward(self, x, up=None):",
    ),
    "a module without up": ("_activate_gated(x, up, self", "_activate_gated(x, None, self"),
    "a module of the plain function": ("_activate_gated(x, up, self.setting", "_activate(x, up, self.setting"),
}
KERNEL = {
    "computed in the type of x": (
        "at = tl.load(x + place, mask=mask).to(tl.float32)",
        "at = tl.load(x + place, mask=mask)",
    ),
    "short: for all types": ("elif not narrow:", "elif 1 == 2:"),
    "short: for no type": ("elif not narrow:", "elif 1 == 1:"),
    "short: for one of the types": ("element_ty != tl.float32", "element_ty == tl.float16"),
    "short: by the type of the output": ("narrow: tl.constexpr = x.dtype", "narrow: tl.constexpr = g.dtype"),
    "fused": ('"enable_fp_fusion": False', '"enable_fp_fusion": True'),
    "fused by default": (', "enable_fp_fusion": False', ""),
    "a lane too many": ("mask = place < columns", "mask = place <= columns"),
    "a mask of rows": ("mask = place < columns", "mask = place < x_stride"),
    "no mask": ("bias, place, mask, order", "bias, place, None, order"),
    "no mask on a store": (
        "tl.store(y + place, found.to(y.dtype.element_ty), mask=mask)",
        "tl.store(y + place, found.to(y.dtype.element_ty))",
    ),
    "no mask on the other store": (
        "tl.store(z + place, other.to(z.dtype.element_ty), mask=mask)",
        "tl.store(z + place, other.to(z.dtype.element_ty))",
    ),
    "no mask on a load": ("tl.load(w + place, mask=mask)", "tl.load(w + place)"),
    "a block too far": ("if start + block <= columns:", "if start <= columns:"),
    "overlapping blocks": ("tl.program_id(0).to(tl.int64) * block", "tl.program_id(0).to(tl.int64)"),
    "offsets of 32 bits": ("tl.program_id(0).to(tl.int64) * block", "tl.program_id(0) * block"),
    "offsets widened too late": ("tl.program_id(0).to(tl.int64) * block", "(tl.program_id(0) * block).to(tl.int64)"),
    "rows of 32 bits": ("row = tl.program_id(1).to(tl.int64)", "row = tl.program_id(1)"),
    "rows widened too late": ("y += row * y_stride", "y += (tl.program_id(1) * y_stride).to(tl.int64)"),
    "rows of the blocks": ("row = tl.program_id(1)", "row = tl.program_id(0)"),
    "blocks of the rows": ("start = tl.program_id(0)", "start = tl.program_id(1)"),
    "an axis too many": ("row = tl.program_id(1)", "row = tl.program_id(2)"),
    "another stride": ("x += row * x_stride", "x += row * y_stride"),
    "another stride of the output": ("y += row * y_stride", "y += row * x_stride"),
    "another stride of the second output": ("z += row * z_stride", "z += row * y_stride"),
    "another stride of a weight": ("g += row * g_stride", "g += row * w_stride"),
    "another stride of the incoming gradient": ("w += row * w_stride", "w += row * g_stride"),
    "no stride": ("            x += row * x_stride\n", ""),
    "no stride of the second output": ("                z += row * z_stride\n", ""),
    "a stride twice": ("x += row * x_stride", "x += row * x_stride + row * x_stride"),
    "rows of columns": ("x += row * x_stride", "x += row * columns"),
    "another column": ("place = start + tl.arange(0, block)", "place = start + 1 + tl.arange(0, block)"),
    "another column of a weight": ("tl.load(w + place, mask=mask)", "tl.load(w + place + 1, mask=mask)"),
    "the same column in each block": (
        "place = start + tl.arange(0, block)",
        "place = tl.arange(0, block) + (start - start)",
    ),
    "fewer lanes": ("tl.arange(0, block)", "tl.arange(0, 512)"),
    "an element that is not stored": ("tl.store(y + place,", "tl.store(x + place,"),
    "outputs exchanged": (
        "            tl.store(z + place, other.to(z.dtype.element_ty), mask=mask)\n        tl.store(y + place,",
        "            tl.store(y + place, other.to(z.dtype.element_ty), mask=mask)\n        tl.store(z + place,",
    ),
    "outputs exchanged by the launch": (
        "        columns, tensors, strides = matrices(None, *grads, x, up, w)",
        "        columns, tensors, strides = matrices(None, grads[1], grads[0], x, up, w)",
    ),
    "outputs exchanged in the call": (
        "            _kernel[grid](*part, bias, *strides,",
        "            y, z, *rest = part\n            _kernel[grid](z, y, *rest, bias, *strides,",
    ),
    "inputs exchanged in the call": (
        "            _kernel[grid](*part, bias, *strides,",
        "            y, z, x, g, w = part\n            _kernel[grid](y, z, g, x, w, bias, *strides,",
    ),
    "strides exchanged in the call": (
        "            _kernel[grid](*part, bias, *strides,",
        "            a, b, *rest = strides\n            _kernel[grid](*part, bias, b, a, *rest,",
    ),
    "no second output": ("            tl.store(z + place, other.to(z.dtype.element_ty), mask=mask)\n", ""),
    "the second output of another order": (
        "other = _planned(at, narrow, 0, N",
        "other = _planned(at, narrow, order, N",
    ),
    "the second output without its weight": ("inv_s_low, up, down) * weight\n", "inv_s_low, up, down)\n"),
    "the gradient without its weight": ("mask=mask).to(tl.float32) * weight)", "mask=mask).to(tl.float32))"),
    "the gradient without the other weight": (
        "found * (tl.load(g + place, mask=mask).to(tl.float32) * weight)",
        "found * weight",
    ),
    "gradients of another order": ("strides, columns, 1, N, s", "strides, columns, 0, N, s"),
    "too few blocks": ("triton.cdiv(columns, block)", "triton.cdiv(columns, 4096)"),
    "blocks of all elements": ("triton.cdiv(columns, block)", "triton.cdiv(y.numel(), block)"),
    "one row": ("grid = (blocks, min(rows - first, _ROWS))", "grid = (blocks, 1)"),
    "all rows in each step": ("grid = (blocks, min(rows - first, _ROWS))", "grid = (blocks, rows)"),
    "rows beyond the end": ("grid = (blocks, min(rows - first, _ROWS))", "grid = (blocks, min(rows, _ROWS))"),
    "axes exchanged": ("grid = (blocks, min(rows - first, _ROWS))", "grid = (min(rows - first, _ROWS), blocks)"),
    "the first rows only": ("t[first : first + _ROWS] for", "t[0 : 0 + _ROWS] for"),
    "steps with gaps": ("range(0, rows, _ROWS)", "range(0, rows, _ROWS + 1)"),
    "steps that overlap": ("t[first : first + _ROWS] for", "t[first : first + _ROWS + 1] for"),
    "rows that are not cut": ("part = tensors if rows <= _ROWS else [", "part = tensors if 1 == 1 else ["),
    "more rows than there is room for": ("_BLOCK, _ROWS = 512, 65535", "_BLOCK, _ROWS = 512, 65536"),
    "some rows are not cut": ("[t if t is None else t[first", "[t if t is None or t is y else t[first"),
    "rows of another count": ("rows, blocks = y.numel() // columns,", "rows, blocks = y.numel(),"),
    "no rows where there are many": ("    if rows == 1:\n", "    if rows != 1:\n"),
    "rows where there are none": ("    if not y.numel():\n        return\n", ""),
    "an output in any order": ("y = torch.empty_like(x) if bias is None else", "y = x if bias is None else"),
    "an output that is not returned": ("*pair)\n    return y\n", "*pair)\n    return x\n"),
    "gradients that are not returned": (
        "    return grads\n\n\n# Autograd",
        "    y, z, *_ = tensors\n    return y, z\n\n\n# Autograd",
    ),
    "a pointer that is multiplied": ("y += row * y_stride", "y *= row * y_stride"),
    "an annotation": ("narrow: tl.constexpr =", "narrow: torch.Tensor ="),
    "a decorated kernel": ("    @triton.jit\n    def _kernel(", "    @remembered\n    @triton.jit\n    def _kernel("),
}
GROUPS = {
    "parameters": PARAMETERS,
    "pairs": PAIRS,
    "dispatch": DISPATCH,
    "autograd": AUTOGRAD,
    "bias": BIAS,
    "gated": GATED,
    "kernel": KERNEL,
}
CASES = [(group, case) for group, cases in GROUPS.items() for case in cases]


@pytest.mark.parametrize(("group", "case"), CASES)
def test_an_altered_call_is_refused(group, case):
    assert refused(altered(*GROUPS[group][case]))
