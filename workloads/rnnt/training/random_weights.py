"""Random weights and features from a counter-based generator, the same here and in C++ (`--weights random:SEED`).

Tensors are numbered from 0 in the order of model.shapes (the state_dict's): t. Element i (row-major) of tensor t is
    u = word (i mod 4) of Philox4x32-10 with counter (lo32(i div 4), hi32(i div 4), t, 0x524E4E54)
        and key (lo32(seed), hi32(seed)),
    value = float32((2 (u + 0.5) / 2^32 - 1) * bound), computed in double precision and rounded once,
with bound = 1 / sqrt(hidden) for an LSTM's tensors (its own hidden size), sqrt(3) for the embedding (deviation 1), and
1 / sqrt(in_features) for the weights and biases of the joint's linear layers. Random features are tensor 1000, bound 1.7.
Philox: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import numpy as np

import model

STREAM = 0x524E4E54  # "RNNT"
FEATURES_TENSOR, FEATURES_BOUND = 1000, 1.7


def philox4x32_10(counter, key):
    """Four words for each row of `counter` [n, 4]; key: two integers."""
    c0, c1, c2, c3 = (counter[:, k].astype(np.uint64) for k in range(4))
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), p1 & low,
                          (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), p0 & low)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack((c0, c1, c2, c3), 1)


def uniform(seed, tensor, shape, bound, chunk=1 << 20):
    """float32 values of `shape` within +-bound."""
    size = int(np.prod(shape))
    blocks = -(-size // 4)
    values = np.empty(4 * blocks, np.float32)
    for begin in range(0, blocks, chunk):
        index = np.arange(begin, min(blocks, begin + chunk), dtype=np.uint64)
        counter = np.stack((index & np.uint64(0xFFFFFFFF), index >> np.uint64(32), np.full_like(index, tensor),
                            np.full_like(index, STREAM)), 1)
        words = philox4x32_10(counter, (seed & 0xFFFFFFFF, seed >> 32)).astype(np.float64)
        values[4 * begin:4 * (begin + len(index))] = ((2.0 * (words + 0.5) / 2.0**32 - 1.0) * bound).ravel()
    return values[:size].reshape(shape)


def bound_of(key, sizes):
    if ".lstm." in key:
        return 1.0 / np.sqrt(sizes.encoder if key.startswith("encoder.") else sizes.prediction)
    if key == "prediction.embed.weight":
        return np.sqrt(3.0)
    return 1.0 / np.sqrt(sizes.encoder + sizes.prediction if ".net.0." in key else sizes.joint)


def weights(seed, sizes=model.FULL_SIZE):
    """{state_dict key: float32 array}."""
    return {key: uniform(seed, tensor, shape, bound_of(key, sizes))
            for tensor, (key, shape) in enumerate(model.shapes(sizes).items())}


def features(seed, frames, inputs):
    """float32 features [frames, inputs]."""
    return uniform(seed, FEATURES_TENSOR, (frames, inputs), FEATURES_BOUND)
