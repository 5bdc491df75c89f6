"""Specs and templates as text.

    input image[3, 32, 32]
    stem = conv_block({width: 16..64 step 8}) > {depth: 1..4} * (residual_block({width}))
    left: conv[stem](32, kernel={3, 5}) > {norm? batch_norm}
    right: max_pool[stem](3, stride=1) > {mix: skip | conv(32, 1)}
    add[left, right] > classification_head(10)

A line is a flow of layers. `name =` in front of a layer names it, else its type and number do; `name:` in front of a
line names what it ends with. What stands in brackets are a layer's inputs; without brackets it takes what was written
before it. Fields come in parentheses, in their order or by name. `3 * (...)` repeats a flow. Holes of a template are
in braces: `{a..b}` with `step n` or `log`, `{a, b}`, with a name in front or without (then layer and field name it);
`{name}` uses a hole again; `{name: flow | flow}` chooses and `{name? flow}` leaves out; as number of repeats, every
round takes the same values. `output a, b` where it is not the last layer. `#` starts a comment.
"""

from neuromosaic.core.architecture.notation.parse import parse_spec, parse_template
from neuromosaic.core.architecture.notation.template import Template
from neuromosaic.core.architecture.notation.write import write_spec, write_template

__all__ = ["Template", "parse_spec", "parse_template", "write_spec", "write_template"]
