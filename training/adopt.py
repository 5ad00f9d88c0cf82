"""Turns an exported nano GGUF (q8_0) back into WORK/tok.json and WORK/nano.pt, so that training can go on from it.

Usage: adopt.py MODEL.gguf WORK      The q8_0 rounding is kept; a few hundred steps undo it.
"""
import json, os, struct, sys
import numpy as np, torch
from nano import L

NAMES = {'attn_norm': 'n1.w', 'attn_q': 'q.weight', 'attn_k': 'k.weight', 'attn_v': 'v.weight', 'attn_output': 'o.weight', 'ffn_norm': 'n2.w', 'ffn_gate': 'g.weight', 'ffn_up': 'u.weight', 'ffn_down': 'd.weight'}

class Reader:
    def __init__(s, data): s.d, s.at = data, 0
    def take(s, form):
        v = struct.unpack_from('<' + form, s.d, s.at)[0]; s.at += struct.calcsize('<' + form); return v
    def text(s):
        n = s.take('Q'); v = s.d[s.at:s.at + n].decode(); s.at += n; return v
    def value(s, kind):
        if kind == 8: return s.text()
        if kind == 9:
            inner, n = s.take('I'), s.take('Q'); return [s.value(inner) for _ in range(n)]
        return s.take({0: 'B', 4: 'I', 5: 'i', 6: 'f', 7: '?', 10: 'Q'}[kind])

def adopt(path, work):
    r = Reader(open(path, 'rb').read()); assert r.d[:4] == b'GGUF'; r.at = 8; tensors, kvs = r.take('Q'), r.take('Q')
    meta = {}
    for _ in range(kvs):
        key = r.text(); meta[key] = r.value(r.take('I'))
    info = [(r.text(), [r.take('Q') for _ in range(r.take('I'))], r.take('I'), r.take('Q')) for _ in range(tensors)]
    base = -(-r.at // 32) * 32; sd = {}
    for name, dims, kind, off in info:
        n = int(np.prod(dims)); at = base + off
        if kind == 0: x = np.frombuffer(r.d, np.float32, n, at)
        else:
            assert kind == 8, f'{name}: only f32 and q8_0 are read'
            raw = np.frombuffer(r.d, np.uint8, n // 32 * 34, at).reshape(-1, 34)
            x = (raw[:, :2].copy().view(np.float16).astype(np.float32) * raw[:, 2:].copy().view(np.int8).astype(np.float32)).ravel()
        part = name.split('.')
        key = 'e.weight' if part[0] == 'token_embd' else 'n.w' if part[0] == 'output_norm' else f'b.{part[1]}.{NAMES[part[2]]}'
        sd[key] = torch.from_numpy(x.reshape(dims[::-1]).copy())
    assert sum(k.startswith('b.') for k in sd) == 9 * L
    os.makedirs(work, exist_ok=True); torch.save(sd, f'{work}/nano.pt')
    json.dump({'vocab': meta['tokenizer.ggml.tokens'], 'merges': [m.split(' ') for m in meta['tokenizer.ggml.merges']]}, open(f'{work}/tok.json', 'w'))
    print(f'{work}: {len(sd)} tensors, vocabulary {len(meta["tokenizer.ggml.tokens"])}')

if __name__ == '__main__':
    if len(sys.argv) != 3: print(__doc__); sys.exit(2)
    adopt(*sys.argv[1:])
