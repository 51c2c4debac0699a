"""The attack by alignment, written from its definition (the documentation of `wfkit_classify::alignment`) with NumPy.

Arrays over all traces of a class at once; silent states by a matrix of powers; every row scaled. Nothing of the Rust code is used, and no
band: every alignment counts.
"""

import numpy as np

MASK = (1 << 64) - 1
MOST_TOKENS, GAP, MOST_COMPARED, MOST_CANDIDATES = 500, 0.7, 50, 20000


def finalise(state):
    """One step of SplitMix64."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(seed, index):
    return (finalise((finalise(seed) + index) & MASK) >> 11) / 2**53


class Alphabet:
    def __init__(self, view, largest):
        self.bursts = view == "bursts"
        exact, percent = (40, 105) if self.bursts else (24, 110)
        edges = list(range(1, exact + 1))
        edge = exact + 1
        while edge <= 4000:
            edges.append(edge)
            edge = -(-edge * percent // 100)
        self.edges = np.array(edges)
        self.bins = len(edges)
        self.cell, self.record = (largest, 0) if largest <= 514 else (514, 22)
        upper = np.append(self.edges[1:] - 1, self.edges[-1])
        self.size = (self.edges + upper) / 2
        self.n = self.bins
        self.way = np.zeros(self.n, dtype=int)
        if self.bursts:
            self.size, self.way, self.n = np.tile(self.size, 2), np.repeat([0, 1], self.bins), 2 * self.bins
        log = np.log(self.size)
        self.distance = np.abs(log[:, None] - log[None, :])
        self.distance[self.way[:, None] != self.way[None, :]] = np.inf
        self.joined = self.bin(np.floor(self.size[:, None] + self.size[None, :] + 0.5))
        self.ways = 1 / np.maximum(1, self.size - 1)

    def bin(self, cells):
        return np.searchsorted(self.edges, cells, side="right") - 1

    def tokens(self, sizes):
        runs = []
        for size in sizes:
            if runs and (runs[-1] > 0) == (size > 0):
                runs[-1] += size
            else:
                runs.append(size)
        if not self.bursts:
            runs = [run for run in runs if run < 0] or runs
        cells = [max(1, (2 * max(0, abs(run) - self.record) + self.cell) // (2 * self.cell)) for run in runs[:MOST_TOKENS]]
        return [int(self.bin(k)) + (self.bins if self.bursts and run > 0 else 0) for k, run in zip(cells, runs)]


def edit_distance(one, other, cost):
    """Rows of the table as arrays: gaps within a row are a running minimum of D_j - gap j."""
    offsets = GAP * np.arange(len(other) + 1)
    row = offsets.copy()
    for i, token in enumerate(one):
        best = np.empty(len(other) + 1)
        best[0] = GAP * (i + 1)
        best[1:] = np.minimum(row[:-1] + cost[token, other], row[1:] + GAP)
        row = np.minimum.accumulate(best - offsets) + offsets
    return row[-1]


def medoid(traces, cost):
    compared = min(len(traces), MOST_COMPARED)
    places = [index * len(traces) // compared for index in range(compared)]
    sums = np.zeros(compared)
    for a in range(compared):
        for b in range(a + 1, compared):
            root = np.sqrt(max(0.0, edit_distance(traces[places[a]], traces[places[b]], cost)))
            sums[a] += root
            sums[b] += root
    # The first of equals; sums of the same numbers in another order differ in the last digits.
    return places[int(np.flatnonzero(sums <= sums.min() + 1e-9)[0])]


class Model:
    """Emissions of every class and column, moves, insertions."""

    def __init__(self, view, largest, rounds=12, prototypes=30, concentration=80.0, background=None):
        self.alphabet = Alphabet(view, largest)
        self.rounds, self.prototypes, self.concentration, self.background_class = rounds, prototypes, concentration, background

    def fit(self, traces, labels, n_classes, seed):
        alphabet, n = self.alphabet, self.alphabet.n
        self.classes = [[np.array(x) for x, label in zip(traces, labels) if label == c] for c in range(n_classes)]
        self.trained_on = np.array([len(x) for x in self.classes])
        bg = np.bincount(np.concatenate([np.array(x) for x in traces]), minlength=n) + 0.1
        self.bg = bg = bg / bg.sum()
        kernel0 = np.exp(-alphabet.distance / 0.25)
        kernel0 /= kernel0.sum(axis=1, keepdims=True)
        cost = np.minimum(1.0, alphabet.distance)

        self.t = np.array([[0.95, 0.03, 0.02], [0.60, 0.38, 0.02], [0.60, 0.02, 0.38]])
        self.moves = np.array([1.0, 0.0, 0.0]) if alphabet.bursts else np.array([0.98, 0.01, 0.01])
        self.q = bg
        counts = []
        for own in self.classes:
            backbone = own[medoid(own, cost)] if own else np.zeros(0, dtype=int)
            counts.append(np.eye(n)[backbone])
        self.emissions = [(c + 2.0 * c @ kernel0 + 0.1 * bg) / (1 + 2.0 + 0.1) for c in counts]
        if self.background_class is not None:
            own = self.classes[self.background_class]
            tokens = sum(len(x) for x in own)
            self.zero = (np.bincount(np.concatenate(own), minlength=n) + 2 * bg) / (tokens + 2)
            self.last = (len(own) + 1) / (tokens + 2)
            self.weight = 0.5
        p = None
        # Classes of one trace teach nothing but their own columns.
        teaches = self.trained_on > 1
        for _ in range(self.rounds if teaches.any() else 0):
            total, inserted, t, moves = [], 2 * bg, np.array([[20, 1, 1], [5, 5, 0.5], [5, 0.5, 5]]), np.array([100.0, 1, 1])
            for c, own in enumerate(self.classes):
                if not own:
                    total.append(np.zeros((0, n)))
                    continue
                expected, ins, steps, kinds, responsibilities = self.expect(c, own)
                total.append(np.where(expected < 1e-6, 0.0, expected))
                if teaches[c]:
                    inserted, t, moves = inserted + ins, t + steps, moves + kinds
                if c == self.background_class:
                    self.weight = (responsibilities.sum() + 1) / (len(own) + 2)
            self.q = inserted / inserted.sum()
            self.t = t / t.sum(axis=1, keepdims=True)
            if not alphabet.bursts:
                self.moves = moves / moves.sum()

            n_j = np.concatenate(total)
            N = n_j.sum(axis=1)
            teacher = np.repeat(teaches, [len(c) for c in total])
            some = (N > 1.5) & teacher
            scaled = n_j[some] / (N[some] - 1)[:, None]
            together = scaled.T @ n_j[some]
            together[np.diag_indices(n)] -= scaled.sum(axis=0)
            together = np.maximum(together, 0)
            kernel = (together + 5 * kernel0) / (together.sum(axis=1, keepdims=True) + 5)
            if p is None:
                p = self.draw(n_j[teacher], N[teacher], kernel, seed)
                pi = np.full(len(p), 1 / len(p))
            S = self.concentration
            for _ in range(6):
                fit = (1 + S) / (N + S)
                logs = fit[:, None] * (n_j @ np.log(p + 1e-6).T) + np.log(pi)
                r = np.exp(logs - logs.max(axis=1, keepdims=True))
                r[logs < logs.max(axis=1, keepdims=True) + np.log(1e-9)] = 0.0
                r /= r.sum(axis=1, keepdims=True)
                a = r[teacher].T @ n_j[teacher]
                p = (a + p @ kernel + 0.05 * bg) / (a.sum(axis=1, keepdims=True) + 1.05)
                pi = r[(N > 0.5) & teacher].sum(axis=0) + 0.5
                pi /= pi.sum()
            e = (n_j + S * (r @ p) + 0.1 * bg) / (N + S + 0.1)[:, None]
            self.emissions = np.split(e, np.cumsum([len(c) for c in total])[:-1])
        return self

    def draw(self, n_j, N, kernel, seed):
        candidates = np.flatnonzero(N > 2)
        if len(candidates) < self.prototypes:
            candidates = np.flatnonzero(N > 0.5)
        taken = min(len(candidates), MOST_CANDIDATES)
        candidates = candidates[np.arange(taken) * len(candidates) // max(1, taken)]
        smooth = (n_j[candidates] / N[candidates, None]) @ kernel
        roots = np.sqrt(smooth)
        drawn, distance = [], np.full(taken, np.inf)
        while len(drawn) < min(self.prototypes, taken):
            u = uniform(seed, len(drawn))
            if not drawn:
                drawn.append(min(int(u * taken), taken - 1))
            else:
                so_far = np.cumsum(distance)
                if so_far[-1] <= 1e-9:
                    break
                beyond = np.flatnonzero(so_far > u * so_far[-1])
                drawn.append(int(beyond[0]) if len(beyond) else taken - 1)
            distance = np.minimum(distance, ((roots - roots[drawn[-1]]) ** 2).sum(axis=1))
        return smooth[drawn] if drawn else self.bg[None, :]

    def tables(self, c):
        """E_j(v) and E2_j(v) by token and column 0..L, powers of t_DD."""
        e = self.emissions[c]
        columns, n = e.shape
        plain, merged = np.zeros((n, columns + 1)), np.zeros((n, columns + 1))
        plain[:, 1:] = e.T
        if not self.alphabet.bursts:
            for j in range(1, columns):
                pair = np.outer(e[j - 1], e[j])
                keep = pair >= 1e-4
                merged[:, j + 1] = np.bincount(self.alphabet.joined[keep], weights=pair[keep], minlength=n)
        apart = np.arange(columns + 1)[None, :] - np.arange(columns + 1)[:, None] - 1
        silent = np.where(apart >= 0, self.t[2, 2] ** np.maximum(apart, 0), 0.0)
        return plain, merged, silent

    def forward(self, tables, x, lengths, keep=False):
        """Log likelihoods of padded traces, shape (T,), and where asked all rows."""
        plain, merged, silent = tables
        t, (pp, ps, pm), traces = self.t, self.moves, len(x)
        m, ins = np.zeros((traces, plain.shape[1])), np.zeros((traces, plain.shape[1]))
        m[:, 0] = 1.0
        scales, before, logs = np.ones(traces), None, np.zeros(traces)
        rows = []
        result = np.zeros(traces)
        for i in range(x.shape[1] + 1):
            if i > 0:
                token = x[:, i - 1]
                new = np.zeros_like(m)
                new[:, 1:] = pp * c[:, :-1] * plain[token, 1:]
                if not self.alphabet.bursts:
                    new[:, 2:] += pm * c[:, :-2] * merged[token, 2:]
                    if i > 1:
                        joined = self.alphabet.joined[x[:, i - 2], token]
                        new[:, 1:] += ps * before[:, :-1] * plain[joined, 1:] * (self.alphabet.ways[joined] / scales)[:, None]
                ins = (m * t[0, 1] + ins * t[1, 1] + d * t[2, 1]) * self.q[token][:, None]
                m = new
                scales = m.sum(axis=1) + ins.sum(axis=1)
                m, ins = m / scales[:, None], ins / scales[:, None]
                logs += np.log(scales)
                before = c
            d = (m * t[0, 2] + ins * t[1, 2]) @ silent
            c = m * t[0, 0] + ins * t[1, 0] + d * t[2, 0]
            if keep:
                rows.append((m, ins, d, c, scales))
            ended = lengths == i
            result[ended] = logs[ended] + np.log(c[ended, -1])
        return (result, rows) if keep else result

    def expect(self, c, own):
        """Expected counts of a class: columns (L, V), insertions, transitions, kinds of match moves."""
        tables = self.tables(c)
        plain, merged, silent = tables
        lengths = np.array([len(x) for x in own])
        longest, traces = lengths.max(), len(own)
        x = np.array([np.pad(one, (0, longest - len(one))) for one in own])
        logs, rows = self.forward(tables, x, lengths, keep=True)
        weights = np.ones(traces)
        if c == self.background_class:
            weights = 1 / (1 + np.exp(np.log(1 - self.weight) + self.order_zero(own) - np.log(self.weight) - logs))
        t, (pp, ps, pm), n = self.t, self.moves, self.alphabet.n
        width = plain.shape[1]
        counts, inserted = np.zeros((n, width)), np.zeros(n)
        steps, kinds = np.zeros((3, 3)), np.zeros(3)
        one_hot = np.eye(n)
        bm = bi = np.zeros((traces, width))
        bm2 = np.zeros((traces, width))
        by = np.zeros((traces, 1))
        for i in range(longest, -1, -1):
            m, ins, d, leave, _ = rows[i]
            straight, join, part, insertion = (np.zeros((traces, width)) for _ in range(4))
            if i < longest:
                scale = rows[i + 1][4][:, None]
                token = x[:, i]
                straight[:, :-1] = pp * plain[token, 1:] * bm[:, 1:] / scale
                insertion = self.q[token][:, None] * bi / scale
                if not self.alphabet.bursts:
                    join[:, :-2] = pm * merged[token, 2:] * bm[:, 2:] / scale
                    if i + 2 <= longest:
                        joined = self.alphabet.joined[token, x[:, i + 1]]
                        way = self.alphabet.ways[joined][:, None] / scale / rows[i + 2][4][:, None]
                        part[:, :-1] = ps * way * plain[joined, 1:] * bm2[:, 1:]
            matched = straight + join + part
            ended = lengths == i
            matched[ended, -1] += 1.0
            by[ended, 0] = weights[ended] / leave[ended, -1]
            lost = (matched * t[2, 0] + insertion * t[2, 1]) @ (silent * t[2, 2] + np.eye(width)).T
            after = np.zeros_like(lost)
            after[:, :-1] = lost[:, 1:]
            bm2 = bm
            bm = matched * t[0, 0] + insertion * t[0, 1] + after * t[0, 2]
            bi = matched * t[1, 0] + insertion * t[1, 1] + after * t[1, 2]
            for a, state in enumerate((m, ins, d)):
                for b, value in enumerate((matched, insertion, after)):
                    steps[a, b] += t[a, b] * (by * state * value).sum()
            if i < longest:
                post = by * leave * straight
                counts[:, 1:] += one_hot[token].T @ post[:, :-1]
                kinds[0] += post.sum()
                post = (by * (m * t[0, 1] + ins * t[1, 1] + d * t[2, 1]) * insertion).sum(axis=1)
                inserted += np.bincount(token, weights=post, minlength=n)
                if not self.alphabet.bursts:
                    kinds[2] += (by * leave * join).sum()
                    if i + 2 <= longest:
                        post = by * leave * part
                        counts[:, 1:] += one_hot[joined].T @ post[:, :-1]
                        kinds[1] += post.sum()
        return counts[:, 1:].T, inserted, steps, kinds, weights

    def order_zero(self, traces):
        logs = [np.log(self.zero[x]).sum() + np.log(self.last) + (len(x) - 1) * np.log(1 - self.last) for x in traces]
        return np.array(logs)

    def log_likelihoods(self, traces):
        """Shape (n_traces, n_classes)."""
        traces = [np.array(x) for x in traces]
        lengths = np.array([len(x) for x in traces])
        x = np.array([np.pad(one, (0, lengths.max() - len(one))) for one in traces])
        logs = np.full((len(traces), len(self.classes)), -np.inf)
        for c, own in enumerate(self.classes):
            if own:
                logs[:, c] = self.forward(self.tables(c), x, lengths)
        if self.background_class is not None:
            c = self.background_class
            logs[:, c] = np.logaddexp(np.log(self.weight) + logs[:, c], np.log(1 - self.weight) + self.order_zero(traces))
        return logs
