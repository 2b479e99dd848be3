#!/usr/bin/python3
"""Converts an RNN-T checkpoint of MLPerf Inference (rnnt.pt, PyTorch) into the safetensors file that the program reads.

Takes a file with the state_dict itself or with a dictionary that has one under 'state_dict'. Older files call the joint
network joint_net.*; they also carry the front end's window and filter bank, which are compared with this project's.
"""

import argparse
import os
import pickle
import sys

import numpy as np
import torch

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../training"))
import features
import model
import safetensors_io

FRONT_END = "audio_preprocessor.featurizer."


def state_dict_of(path, trusted):
    try:
        content = torch.load(path, map_location="cpu", weights_only=not trusted)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        advice = "" if trusted else " If you trust where the file comes from, --trusted lets it contain other Python objects."
        raise SystemExit(f"{path}: cannot be read as a PyTorch checkpoint ({error}).{advice}") from error
    if isinstance(content, dict) and "state_dict" in content:
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise SystemExit(f"{path}: holds no state_dict")
    return content


def check_front_end(path, tensors):
    """Compares the checkpoint's window and filter bank, where it has them, with features.py."""
    expected = {"window": features.window()[(features.FFT_LENGTH - features.WINDOW) // 2:][:features.WINDOW],
                "fb": features.filter_bank().T}
    for name, ours in expected.items():
        theirs = tensors.get(FRONT_END + name)
        if theirs is None:
            continue
        theirs = theirs.squeeze(0).double().numpy() if name == "fb" else theirs.double().numpy()
        if theirs.shape != ours.shape or not np.allclose(theirs, ours, rtol=0.0, atol=1e-5):
            raise SystemExit(f"{path}: {FRONT_END}{name} is not the one of this project's features")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="the .pt file")
    parser.add_argument("out", help="the .safetensors file to write")
    parser.add_argument("--half", action="store_true", help="store matrices as F16: half the size")
    parser.add_argument("--trusted", action="store_true", help="unpickle any Python object in the file, which can run code")
    options = parser.parse_args()
    tensors = {key.replace("joint_net.", "joint.net."): value
               for key, value in state_dict_of(options.checkpoint, options.trusted).items()}
    check_front_end(options.checkpoint, tensors)
    tensors = {key: value for key, value in tensors.items() if not key.startswith(FRONT_END)}
    try:
        sizes = model.sizes_of(tensors)
    except ValueError as error:
        raise SystemExit(f"{options.checkpoint}: not an RNN-T of MLPerf Inference: {error}") from error
    arrays = {key: tensors[key].detach().to(torch.float16 if options.half and tensors[key].dim() == 2 else torch.float32).numpy()
              for key in model.shapes(sizes)}
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise SystemExit(f"{options.checkpoint}: {key} has values that are not finite" + (" in F16" if options.half else ""))
    metadata = {"format": "chronotile-rnnt-1", "input_full_scale": f"{model.INPUT_FULL_SCALE:g}",
                "source": os.path.basename(options.checkpoint)}
    safetensors_io.save(options.out, arrays, metadata)
    print(f"{options.out}: {sum(array.size for array in arrays.values())} parameters, {os.path.getsize(options.out)} bytes",
          file=sys.stderr)


if __name__ == "__main__":
    main()
