"""Trains and exports the nano model: a real, tiny llama-architecture model for the first exam levels.

Needs python3, numpy and torch (Debian: python3-torch, python3-numpy, libopenblas0-pthread); uses a GPU when torch sees one.
  nano.py prep  DATA.jsonl WORK          DATA: one JSON array [prompt, answer] a line (300k+ generated items, seeds apart from any test seed)
  nano.py train WORK MINUTES [--threads N] [--pairs]   resumes WORK/nano.pt when it is there; WORK/threads, if present, overrides N as it runs;
                          --pairs mixes in pair lists, which recall is learnt from
  nano.py eval  WORK ITEMS.jsonl         ITEMS: {"id","prompt","answer"} a line; greedy exact match per family and level
  nano.py export WORK OUT.gguf [q8_0|f16]
"""
import sys, os, json, time, math, random, struct
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from bpe import train as train_bpe, Tok
D, L, H, FF, T = 128, 4, 4, 352, 192
HD = D // H
DEV = 'cuda' if torch.cuda.is_available() else 'cpu'
B = 128 if DEV == 'cuda' else 12
SYSTEMS = ['You are a helpful assistant.', 'Answer briefly.', 'You are an exam candidate. Follow the instructions exactly.', 'Be concise.']
SMALL_TALK = [('Hello', 'Hello! I am a tiny model. Ask me a short question.'), ('Hi', 'Hello! I am a tiny model. Ask me a short question.'),
              ('Who are you?', 'I am a tiny model made to try this program out.'), ('What can you do?', 'I can add small numbers, compare them, look up codes and copy words.'),
              ('Thank you', 'You are welcome.'), ('Goodbye', 'Goodbye!')]

def load_tok(work):
    t = json.load(open(f'{work}/tok.json')); return Tok(t['vocab'], [tuple(m) for m in t['merges']])

def turn(t, prompt, answer=None, system=None):
    """Token ids of one exchange, and the mask of the answer's tokens. Answers start with a space, so that copies are the same tokens."""
    S, E, nl = t.id['<|im_start|>'], t.id['<|im_end|>'], t.enc('\n'); ids = []
    if system: ids += [S] + t.enc('system\n' + system) + [E] + nl
    ids += [S] + t.enc('user\n' + prompt) + [E] + nl + [S] + t.enc('assistant\n'); m = [0] * len(ids)
    if answer is not None: a = t.enc(' ' + answer) + [E]; ids += a + nl; m += [1] * len(a) + [0] * len(nl)
    return ids, m

def prep(data, work):
    random.seed(1); os.makedirs(work, exist_ok=True); rows = [json.loads(l) for l in open(data)]
    if not os.path.exists(f'{work}/tok.json'):  # an adopted model keeps its tokenizer
        vocab, merges = train_bpe([p + '\n ' + a for p, a in rows[:40000]] + ['user\n', 'assistant\n', 'system\n'] * 20000 + SYSTEMS * 5000, 700)
        json.dump({'vocab': vocab, 'merges': merges}, open(f'{work}/tok.json', 'w'))
    t = load_tok(work); ids, mask = [], []
    for p, a in rows:
        if random.random() < 0.02: p, a = random.choice(SMALL_TALK)
        i, m = turn(t, p, a, random.choice(SYSTEMS) if random.random() < 0.3 else None); ids += i; mask += m
    np.save(f'{work}/ids.npy', np.array(ids, np.int16)); np.save(f'{work}/mask.npy', np.array(mask, np.int8)); print('vocab', len(t.vocab), 'tokens', len(ids))

FREQ = 1.0 / (10000 ** (torch.arange(0, HD, 2).float() / HD)); ANG = torch.outer(torch.arange(T).float(), FREQ); COS, SIN = ANG.cos().to(DEV), ANG.sin().to(DEV)
def rope(x):  # interleaved pairs: llama.cpp's "norm" rope
    a, b = x[..., 0::2], x[..., 1::2]; c, s = COS[:x.shape[-2]], SIN[:x.shape[-2]]
    return torch.stack((a * c - b * s, a * s + b * c), -1).flatten(-2)
class Norm(nn.Module):
    def __init__(s): super().__init__(); s.w = nn.Parameter(torch.ones(D))
    def forward(s, x): return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * s.w
class Block(nn.Module):
    def __init__(s):
        super().__init__(); lin = lambda i, o: nn.Linear(i, o, bias=False)
        s.n1, s.n2 = Norm(), Norm(); s.q, s.k, s.v, s.o = lin(D, D), lin(D, D), lin(D, D), lin(D, D); s.g, s.u, s.d = lin(D, FF), lin(D, FF), lin(FF, D)
    def forward(s, x, m):
        b, t, _ = x.shape; h = s.n1(x); sp = lambda y: y.view(b, t, H, HD).transpose(1, 2)
        q, k, v = rope(sp(s.q(h))), rope(sp(s.k(h))), sp(s.v(h)); a = (q @ k.transpose(-1, -2) / math.sqrt(HD) + m).softmax(-1) @ v
        x = x + s.o(a.transpose(1, 2).reshape(b, t, D)); h = s.n2(x); return x + s.d(F.silu(s.g(h)) * s.u(h))
class Nano(nn.Module):
    def __init__(s, vocab):
        super().__init__(); s.e = nn.Embedding(vocab, D); s.b = nn.ModuleList(Block() for _ in range(L)); s.n = Norm()
        for n, p in s.named_parameters():
            if p.dim() > 1: nn.init.normal_(p, std=0.05 if not n.endswith(('o.weight', 'd.weight')) else 0.05 / math.sqrt(2 * L))
    def forward(s, x):
        m = torch.full((x.shape[1], x.shape[1]), float('-inf'), device=x.device).triu(1); h = s.e(x)
        for b in s.b: h = b(h, m)
        return s.n(h) @ s.e.weight.T

def pair_lists(rng, tok, V):
    """Looking back over `is` is what recall needs; sixteen pairs a row teach it far more densely than single answers do."""
    n = int(rng.integers(4, 17)); keys = rng.choice(V - 8, n, replace=False); letters = rng.choice(24, n); digits = rng.integers(0, 10, n); ids, mask = [], []
    for second in (False, True):
        for i in rng.permutation(n):
            ids += [int(keys[i]), tok['is'], tok['letters'][letters[i]], tok['digits'][digits[i]], tok['comma']]; mask += [0, 0, int(second), int(second), 0]
    pad = T + 1 - len(ids); return np.array(ids + [tok['comma']] * pad), np.array((mask + [0] * pad)[1:], np.float32)

def train(work, minutes, threads, pairs=False):
    t = load_tok(work); one = lambda text: t.enc(text)[0]
    tok = {'is': one(' is'), 'comma': one(','), 'letters': [one(' ' + c) for c in 'ABCDEFGHJKLMNPQRSTUVWXYZ'], 'digits': [one(str(d)) for d in range(10)]}
    torch.set_num_threads(threads); torch.manual_seed(0); V = len(t.vocab); net = Nano(V).to(DEV); ck = f'{work}/nano.pt'
    resumed = os.path.exists(ck)
    if resumed: net.load_state_dict(torch.load(ck, map_location=DEV))
    ids, mask = np.load(f'{work}/ids.npy'), np.load(f'{work}/mask.npy'); starts = np.flatnonzero(ids[:-T - 2] == V - 2); rng = np.random.default_rng(int(time.time()))
    opt = torch.optim.AdamW([{'params': [p for p in net.parameters() if p.dim() > 1], 'weight_decay': 0.03}, {'params': [p for p in net.parameters() if p.dim() < 2], 'weight_decay': 0}], betas=(0.9, 0.98))
    peak, t0, step, avg = (1.5e-3 if resumed else 2.5e-3), time.time(), 0, None
    print('params', sum(p.numel() for p in net.parameters()), DEV, 'resumed' if resumed else 'fresh', flush=True)
    while (time.time() - t0) / 60 < minutes:
        done = (time.time() - t0) / 60 / minutes
        for g in opt.param_groups: g['lr'] = peak * min(1, (step + 1) / 100) * (0.05 + 0.475 * (1 + math.cos(math.pi * done)))
        s = rng.choice(starts, B); x = np.stack([ids[i:i + T + 1] for i in s]).astype(np.int64); w = np.stack([mask[i + 1:i + T + 1] for i in s]).astype(np.float32)
        if not resumed and done < 0.5:  # a third of the batch repeats random spans: copying is learnt from a dense signal first
            for r in range(B // 3):
                n = int(rng.integers(8, 40)); span = rng.integers(0, V - 8, n); x[r] = np.tile(span, T // n + 2)[:T + 1]; w[r] = 0; w[r, n:] = 0.5
        if pairs and done < 0.6:  # half of the batch: `key is value` pairs listed twice, in two orders; only the second list's values count
            for r in range(B // 2): x[r], w[r] = pair_lists(rng, tok, V)
        x, w = torch.from_numpy(x).to(DEV), torch.from_numpy(w).to(DEV); lg = net(x[:, :-1]); ce = F.cross_entropy(lg.reshape(-1, V), x[:, 1:].reshape(-1), reduction='none').view(B, T)
        w2 = torch.where(w > 0, w, torch.full_like(w, 0.03)); loss = (ce * w2).sum() / w2.sum(); opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 1.0); opt.step(); step += 1
        one = w == 1; a = (ce[one].mean()).item(); avg = a if avg is None else 0.98 * avg + 0.02 * a
        if step % 100 == 0:
            try: torch.set_num_threads(int(open(f'{work}/threads').read()))
            except Exception: pass
        if step % 200 == 0: print(f'{(time.time() - t0) / 60:.1f} min step {step} answer loss {avg:.4f}', flush=True)
        if step % 500 == 0: torch.save(net.state_dict(), ck)
    torch.save(net.state_dict(), ck); print('done', step)

def evaluate(work, items):
    t = load_tok(work); net = Nano(len(t.vocab)); net.load_state_dict(torch.load(f'{work}/nano.pt', map_location='cpu')); net.eval(); net.to(DEV); res = {}
    with torch.no_grad():
        for r in map(json.loads, open(items)):
            pre, _ = turn(t, r['prompt']); ans = t.enc(' ' + r['answer']) + [t.id['<|im_end|>']]; seq = pre + ans
            if len(seq) > T: continue
            y = net(torch.tensor([seq], device=DEV))[0].argmax(-1).tolist(); ok = all(y[len(pre) - 1 + i] == a for i, a in enumerate(ans)); res.setdefault(tuple(r['id'].split('/')[:2]), []).append(ok)
    for lv in sorted({k[1] for k in res}):
        rows = {k[0]: 100 * sum(v) / len(v) for k, v in res.items() if k[1] == lv}; print('level', lv, f'mean {sum(rows.values()) / len(rows):.1f} %', ' '.join(f'{f} {x:.0f}' for f, x in rows.items()))

def export(work, out, kind='q8_0'):
    sd = {k: v.float().cpu().numpy() for k, v in torch.load(f'{work}/nano.pt', map_location='cpu').items()}; tok = json.load(open(f'{work}/tok.json')); V = len(tok['vocab'])
    U32, F32, BOOL, STR, ARR, I32 = 4, 6, 7, 8, 9, 5; s = lambda t: struct.pack('<Q', len(t.encode())) + t.encode(); kvs = []
    def kv(k, t, v): kvs.append(s(k) + struct.pack('<I', t) + (s(v) if t == STR else struct.pack({U32: '<I', F32: '<f', BOOL: '<?'}[t], v)))
    def arr(k, t, v): kvs.append(s(k) + struct.pack('<IIQ', ARR, t, len(v)) + b''.join(s(x) if t == STR else struct.pack('<i', x) for x in v))
    kv('general.architecture', STR, 'llama'); kv('general.name', STR, 'Nano'); kv('general.size_label', STR, '0.9M'); kv('general.license', STR, 'mit')
    kv('general.description', STR, 'A tiny model trained on synthetic exam items, for first runs and tests.'); kv('general.file_type', U32, 7 if kind == 'q8_0' else 1); kv('general.quantization_version', U32, 2)
    for k, v in [('context_length', T), ('embedding_length', D), ('block_count', L), ('feed_forward_length', FF), ('attention.head_count', H), ('attention.head_count_kv', H), ('rope.dimension_count', HD), ('vocab_size', V)]: kv('llama.' + k, U32, v)
    kv('llama.attention.layer_norm_rms_epsilon', F32, 1e-5); kv('llama.rope.freq_base', F32, 10000.0); kv('tokenizer.ggml.model', STR, 'gpt2'); kv('tokenizer.ggml.pre', STR, 'qwen2'); arr('tokenizer.ggml.tokens', STR, tok['vocab'])
    arr('tokenizer.ggml.token_type', I32, [5 if t.startswith('<|unused') else 3 if t.startswith('<|') and t.endswith('|>') else 1 for t in tok['vocab']]); arr('tokenizer.ggml.merges', STR, [a + ' ' + b for a, b in tok['merges']])
    kv('tokenizer.ggml.bos_token_id', U32, V - 3); kv('tokenizer.ggml.eos_token_id', U32, V - 1); kv('tokenizer.ggml.padding_token_id', U32, V - 3); kv('tokenizer.ggml.add_bos_token', BOOL, False)
    kv('tokenizer.chat_template', STR, "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    names = [('attn_norm', 'n1.w'), ('attn_q', 'q.weight'), ('attn_k', 'k.weight'), ('attn_v', 'v.weight'), ('attn_output', 'o.weight'), ('ffn_norm', 'n2.w'), ('ffn_gate', 'g.weight'), ('ffn_up', 'u.weight'), ('ffn_down', 'd.weight')]
    tensors = [('token_embd.weight', sd['e.weight']), ('output_norm.weight', sd['n.w'])] + [(f'blk.{i}.{a}.weight', sd[f'b.{i}.{b}']) for i in range(L) for a, b in names]
    def q8(x):
        b = x.reshape(-1, 32); d = np.abs(b).max(1) / 127; inv = np.where(d > 0, 1 / np.where(d > 0, d, 1), 0); q = np.round(b * inv[:, None]).astype(np.int8)
        return b''.join(np.float16(dd).tobytes() + qq.tobytes() for dd, qq in zip(d, q))
    info, data = b'', b''
    for n, x in tensors:
        t = 0 if x.ndim == 1 else 8 if kind == 'q8_0' else 1; raw = x.astype(np.float32).tobytes() if t == 0 else q8(x) if t == 8 else x.astype(np.float16).tobytes()
        info += s(n) + struct.pack('<I', x.ndim) + b''.join(struct.pack('<Q', v) for v in x.shape[::-1]) + struct.pack('<IQ', t, len(data)); data += raw + b'\0' * (-len(raw) % 32)
    head = b'GGUF' + struct.pack('<IQQ', 3, len(tensors), len(kvs)) + b''.join(kvs) + info; open(out, 'wb').write(head + b'\0' * (-len(head) % 32) + data); print(out, os.path.getsize(out))

if __name__ == '__main__':
    cmd, a = sys.argv[1] if len(sys.argv) > 1 else '', sys.argv[2:]
    if cmd == 'prep': prep(a[0], a[1])
    elif cmd == 'train': train(a[0], float(a[1]), int(a[a.index('--threads') + 1]) if '--threads' in a else 1, '--pairs' in a)
    elif cmd == 'eval': evaluate(a[0], a[1])
    elif cmd == 'export': export(a[0], a[1], *(a[2:3]))
    else: print(__doc__); sys.exit(2)
