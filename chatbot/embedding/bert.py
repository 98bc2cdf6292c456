"""The forward pass of a BERT encoder such as all-MiniLM-L6-v2, straight from its published weights.

Knows the layers and the names in the file; knows nothing of pooling, batches or papers. transformers computes
the same (a test compares them), but importing its model classes takes longer than answering a question.
Architecture: Devlin et al., "BERT", NAACL 2019.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

_EPSILON = 1e-12


class BertEncoder:
    """The weights of ``folder`` on ``device`` in ``dtype``, ready to run."""

    def __init__(self, folder: Path, device: str, dtype: torch.dtype) -> None:
        config = json.loads((folder / "config.json").read_text())
        self.device = torch.device(device)
        self._heads, self._layers = config["num_attention_heads"], config["num_hidden_layers"]
        weights = load_file(folder / "model.safetensors")
        self._weights = {
            name: tensor.to(device, dtype) for name, tensor in weights.items() if tensor.is_floating_point()
        }

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last hidden states, shape (texts, pieces, dimensions), of padded ``ids`` with 0/1 ``mask``."""
        weights = self._weights
        hidden = functional.embedding(ids, weights["embeddings.word_embeddings.weight"])
        hidden = hidden + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = self._normalise(hidden + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        visible = mask.bool()[:, None, None, :]
        for layer in range(self._layers):
            hidden = self._run_layer(hidden, visible, f"encoder.layer.{layer}")
        return hidden

    def _run_layer(self, hidden: Tensor, visible: Tensor, layer: str) -> Tensor:
        query, key, value = (
            self._linear(hidden, f"{layer}.attention.self.{part}")
            .reshape(*hidden.shape[:2], self._heads, -1)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        context = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        context = self._linear(context.transpose(1, 2).flatten(2), f"{layer}.attention.output.dense")
        hidden = self._normalise(hidden + context, f"{layer}.attention.output.LayerNorm")
        inner = functional.gelu(self._linear(hidden, f"{layer}.intermediate.dense"))
        return self._normalise(hidden + self._linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")

    def _linear(self, hidden: Tensor, name: str) -> Tensor:
        return functional.linear(hidden, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normalise(self, hidden: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(hidden, weight.shape, weight, bias, _EPSILON)
