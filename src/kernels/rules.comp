// rules.comp - what a transcription may say next: see k_rules_push. One workgroup an out row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_RULES_SUBGROUP) const uint SUBGROUP = 1u;
layout(push_constant, scalar) uniform Push { k_rules_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 1u
#include "lib/reduce.glsl"
#include "lib/speech.glsl"

const float NEVER = -1e30;
#define MINUS_INF uintBitsToFloat(0xff800000u)

// What the tokens chosen so far say: ids below `text_from` are not allowed (they begin at 0), nor
// times below `time_from` or above `time_to`.
struct Allowed {
    uint text_from, time_from, time_to;
    bool first;
};

Allowed allowed_by(k_speech s, k_seq q, uint pos)
{
    Allowed a = Allowed(0u, s.time_0, 0xffffffffu, pos + 1u <= s.begin);
    if (s.timed == 0u)
        return a;
    uint n = a.first ? 0u : pos + 1u - s.begin;
    float last = 0.0; // the last time among them, counted from 1
    for (uint i = TID; i < n; i += K_GROUP)
        if (U32s(q.history).v[s.begin + i] >= s.time_0)
            last = float(i + 1u);
    last = reduce_max(last, 256u);
    if (a.first) {
        a.text_from = s.time_0;
        a.time_to = s.time_0 + s.latest;
    }
    if (last == 0.0)
        return a;
    uint at = uint(last) - 1u, id = U32s(q.history).v[s.begin + at];
    bool just = at + 1u == n; // the last token is that time
    bool before = n < 2u || U32s(q.history).v[s.begin + n - 2u] >= s.time_0;
    a.time_from = id + (just ? 0u : 1u);
    if (just && before)
        a.time_from = 0xffffffffu;
    if (just && !before)
        a.text_from = s.end;
    return a;
}

bool allows(Allowed a, k_speech s, uint id)
{
    if (s.never != 0ul && (U32s(s.never).v[id / 32u] >> (id % 32u) & 1u) != 0u)
        return false;
    if (a.first)
        for (uint i = 0u; i < min(s.n_first, 3u); i++)
            if (s.not_first[i] == id)
                return false;
    if (s.timed == 0u)
        return true;
    if (id >= s.time_0)
        return id >= a.time_from && id <= a.time_to;
    return id >= a.text_from && id != s.no_times;
}

void main()
{
    uint j = gl_WorkGroupID.x;
    Notes note = Notes(p.notes + uint64_t(j) * 16u);
    k_row row = k_row(0u, 0u, K_NO_SLOT, 0u);
    if (j < Steps(p.step).v.n_out)
        row = ROWS(p.step).v[Steps(p.step).v.out_row[j]];
    bool live = row.slot != K_NO_SLOT;
    if (live)
        live = Seqs(p.seqs).v[row.slot].done == K_RUNNING;
    if (!live) { // for the whole workgroup
        if (TID == 0u)
            note.v = k_note(K_NO_SLOT, 0u, 0u, 0.0);
        return;
    }
    k_seq q = Seqs(p.seqs).v[row.slot];
    k_speech s = Speeches(p.speech).v[row.slot];
    Allowed a = allowed_by(s, q, row.pos);
    uint64_t logits = p.logits + uint64_t(j) * p.vocab * 4u;

    float text = MINUS_INF, time = MINUS_INF;
    for (uint id = TID; id < p.vocab; id += K_GROUP) {
        bool ok = allows(a, s, id);
        float l = ok ? logit(F32s(logits).v[id]) : NEVER;
        F32s(logits).v[id] = l;
        if (ok && id < s.time_0)
            text = max(text, l);
        if (ok && id >= s.time_0)
            time = max(time, l);
    }
    text = reduce_max(text, 256u);
    time = reduce_max(time, 256u);

    // What this invocation wrote it reads again; nobody else does.
    precise float text_sum = 0.0, time_sum = 0.0;
    for (uint id = TID; id < p.vocab; id += K_GROUP) {
        float l = F32s(logits).v[id];
        if (l == NEVER)
            continue;
        if (id < s.time_0)
            text_sum = text_sum + m_exp(l - text);
        else
            time_sum = time_sum + m_exp(l - time);
    }
    text_sum = reduce_add(text_sum, 256u);
    time_sum = reduce_add(time_sum, 256u);

    bool times_only = text == MINUS_INF ||
        (s.timed != 0u && time != MINUS_INF && time_sum > m_exp(text - time));
    if (times_only)
        for (uint id = TID; id < min(s.time_0, p.vocab); id += K_GROUP)
            F32s(logits).v[id] = NEVER;
    if (TID != 0u)
        return;
    precise float top = times_only ? time : max(text, time);
    precise float sum = 0.0;
    if (!times_only)
        sum = text_sum * m_exp(text - top);
    if (time != MINUS_INF)
        sum = fma(time_sum, m_exp(time - top), sum);
    precise float log_sum = top + m_log(sum);
    note.v = k_note(row.slot, q.n_made, row.next, log_sum);
}
