"""A loss and its gradient as one CUDA graph: thousands of small operations are started by a single call."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_WARM_UP = 3
_SHAPES = 4
"""Graphs kept; inputs of ever new shapes are not worth a graph each."""

Loss = Callable[[Sequence[Tensor]], Tensor]


class GraphedLosses:
    """One graph for each shape of the inputs, captured when it is first met.

    Args:
        parameters: What the loss is differentiated by. They are changed in place alone, as optimisers do.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._graphs: dict[Any, _Graph] = {}

    def __call__(self, loss: Loss, inputs: Sequence[Tensor], constants: Any) -> Tensor:
        """Return ``loss(inputs)``, with the gradient by the parameters ready.

        Args:
            loss: A scalar of tensors on the GPU; all that it does is done there, whatever the values.
            inputs: Tensors that change from call to call; shapes may differ.
            constants: Whatever else the loss depends on; another value makes another graph.

        Raises:
            RuntimeError: The loss cannot be captured, or its inputs have ever new shapes.
        """
        places = [p.data_ptr() for p in self._parameters]
        key = (constants, tuple(places), tuple((t.shape, t.dtype) for t in inputs))
        if key not in self._graphs:
            if len(self._graphs) == _SHAPES:
                raise RuntimeError(f"more than {_SHAPES} shapes of tasks")
            self._graphs[key] = _Graph(loss, self._parameters, inputs)
        result: Tensor = _Replay.apply(self._graphs[key], inputs, *self._parameters)  # type: ignore[no-untyped-call]
        return result


class _Graph:
    def __init__(self, loss: Loss, parameters: Sequence[Tensor], inputs: Sequence[Tensor]) -> None:
        self.inputs = [tensor.clone() for tensor in inputs]

        def compute() -> tuple[Tensor, tuple[Tensor, ...]]:
            value = loss(self.inputs)
            gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
            return value.detach(), gradients

        # Outside of the graph first: libraries set themselves up, and what is cached must not lie in its memory.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                compute()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.value, self.gradients = compute()

    def replay(self, inputs: Sequence[Tensor]) -> None:
        for own, tensor in zip(self.inputs, inputs, strict=True):
            own.copy_(tensor)
        self.graph.replay()


class _Replay(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, graph: _Graph, inputs: Sequence[Tensor], *parameters: Tensor) -> Tensor:
        graph.replay(inputs)
        # Copies: the next replay writes to the same memory.
        ctx.gradients = [gradient.clone() for gradient in graph.gradients]
        return graph.value.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *(gradient * own for own in ctx.gradients)
