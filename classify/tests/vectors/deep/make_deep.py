"""What PyTorch says with the numbers of wfkit's nets, and a small net of PyTorch's as ONNX.

    pip install torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2
    python3 make_deep.py        # writes expected.json and small.onnx beside itself

`NETS` are the nets as a user of PyTorch would write them: their state dicts have the names and shapes of the safetensors that
`wfkit train --attack df --weights FILE` writes. Inputs are made here from the words of the documentation, not by wfkit.

Traces and numbers come from whole-number hashes, so that both sides can make them.
"""

import json
import math
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
CLASSES = 5


def hashed(stream, n):
    """Numbers in [0, 1), from the place in a list and a stream."""
    x = (np.arange(n, dtype=np.uint64) * 2654435761 + np.uint64(stream * 40503 + 12345)) % 2**32
    x ^= x >> 15
    x = x * 2246822519 % 2**32
    x ^= x >> 13
    return x.astype(np.float64) / 2**32


def trace(number):
    """Times in ns and signed sizes."""
    n = [3, 40, 300, 6000][number]
    gaps = (hashed(1000 + number, n) * 3e7).astype(np.int64)
    gaps[0] = 0
    sizes = 1 + (hashed(2000 + number, n) * 1500).astype(np.int64)
    signs = np.where(hashed(3000 + number, n) < 0.3, 1, -1)
    return np.cumsum(gaps), signs * sizes


def cut(values, length):
    return np.pad(values[:length].astype(np.float64), (0, max(0, length - len(values))))


def directions(time, size):
    return cut(np.sign(size), 5000)[None]


def direction_times(time, size):
    return cut(np.sign(size) * (time / 1e9 + 1e-4), 5000)[None]


def slots(time, size):
    matrix = np.zeros((2, 1800))
    for t, s in zip(time[:5000], size[:5000]):
        matrix[0 if s > 0 else 1, min(int(t * 1799 // 80_000_000_000), 1799)] += 1
    return matrix[None]


def sized(time, size, length=256):
    time, size = time[:length], size[:length]
    gaps = np.diff(time, prepend=time[:1]) / 1e6
    rows = [size / 1500, np.arcsinh(np.cumsum(size) / 1500), np.log1p(gaps) / 5]
    return np.stack([cut(row, length) for row in rows])


def pool_same(length):
    """Keras's pooling by windows of 8, 4 apart, with padding that counts for nothing; also how long its output is."""
    after = math.ceil(length / 4)
    missing = max((after - 1) * 4 + 8 - length, 0)
    padding = nn.ConstantPad1d((missing // 2, missing - missing // 2), -math.inf)
    return nn.Sequential(padding, nn.MaxPool1d(8, 4)), after


def df(channels, length):
    layers, inputs = [], channels
    for block, outputs in enumerate([32, 64, 128, 256]):
        rise = nn.ELU if block == 0 else nn.ReLU
        for n in (inputs, outputs):
            layers += [nn.Conv1d(n, outputs, 8, padding="same"), nn.BatchNorm1d(outputs), rise()]
        pool, length = pool_same(length)
        layers += [pool, nn.Dropout(0.1)]
        inputs = outputs
    layers.append(nn.Flatten())
    for n, rate in ((256 * length, 0.7), (512, 0.5)):
        layers += [nn.Linear(n, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(rate)]
    return nn.Sequential(*layers, nn.Linear(512, CLASSES))


class Line(nn.Module):
    def forward(self, x):
        return x.reshape(len(x), 32, -1)


class Average(nn.Module):
    def forward(self, x):
        return x.mean(-1)


def rf():
    layers = []
    for inputs, outputs, pool in ((1, 32, (1, 3)), (32, 64, (2, 2))):
        for n in (inputs, outputs):
            layers += [nn.Conv2d(n, outputs, (3, 6), padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(pool), nn.Dropout(0.1)]
    layers.append(Line())
    inputs = 32
    for outputs, pooled in ((128, 0), (128, 1), (256, 0), (256, 1), (512, 0), (CLASSES, 0)):
        layers += [nn.Conv1d(inputs, outputs, 3, padding=1), nn.BatchNorm1d(outputs), nn.ReLU()]
        layers += [nn.MaxPool1d(3), nn.Dropout(0.3)] if pooled else []
        inputs = outputs
    return nn.Sequential(*layers, Average())


NETS = {
    "df": (lambda: df(1, 5000), directions),
    "tik-tok": (lambda: df(1, 5000), direction_times),
    "rf": (rf, slots),
    "df-sized": (lambda: df(3, 256), sized),
}


def fill(net):
    """Gives a net numbers that are neither large nor small; the same for arrays of the same place and shape."""
    state = {}
    arrays = [(name, value) for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")]
    for place, (name, value) in enumerate(arrays):
        u = hashed(place, value.numel())
        fan = max(1, value[0].numel())
        kind = name.rsplit(".", 1)[1]
        numbers = {
            "weight": (2 * u - 1) * math.sqrt(6 / fan) if value.dim() > 1 else 0.5 + u,
            "bias": u - 0.5,
            "running_mean": u - 0.5,
            "running_var": 0.5 + u,
        }[kind]
        state[name] = torch.tensor(numbers.astype(np.float32)).reshape(value.shape)
    net.load_state_dict(state, strict=False)
    return net.eval()


def probabilities(net, see):
    shown = torch.tensor(np.stack([see(*trace(number)) for number in range(4)]).astype(np.float32))
    with torch.no_grad():
        return net(shown).double().softmax(1).tolist()


def small():
    """A net that PyTorch users might bring: two channels more than it needs, and classes in an order of their own."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Conv1d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)).eval()
    shown = torch.tensor(np.stack([sized(*trace(number), 16) for number in range(4)]).astype(np.float32))
    torch.onnx.export(net, (shown,), HERE / "small.onnx", input_names=["x"], output_names=["scores"],
                      dynamic_axes={"x": {0: "batch"}}, opset_version=17, dynamo=False)
    model = onnx.load(HERE / "small.onnx")
    for key, value in (("channel", "sized"), ("classes", json.dumps(["shop", "news", "10"]))):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, HERE / "small.onnx")
    with torch.no_grad():
        return net(shown).double().softmax(1).tolist()


def main():
    expected = {"torch": torch.__version__, "numpy": np.__version__, "classes": CLASSES}
    expected["nets"] = {name: probabilities(fill(make()), see) for name, (make, see) in NETS.items()}
    expected["small"] = {"classes": ["shop", "news", "10"], "probabilities": small()}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
