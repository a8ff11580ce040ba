"""A .safetensors file, written from the description of the format, beside the code that reads one."""

import json

import numpy as np

NAMES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64"}


def write(path, tensors):
    """A .safetensors file, written from the description of the format."""
    header, blocks, place = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        block = np.ascontiguousarray(tensor).tobytes()
        offsets = [place, place + len(block)]
        header[name] = {"dtype": NAMES[str(tensor.dtype)], "shape": list(tensor.shape), "data_offsets": offsets}
        blocks.append(block)
        place += len(block)
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    path.write_bytes(len(words).to_bytes(8, "little") + words + b"".join(blocks))
    return path
