// rules.comp - what a transcription may say next: see k_rules_push. One workgroup a slice of ids of
// an out row.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_RULES_SUBGROUP) const uint SUBGROUP = 1u;
layout(constant_id = K_RULES_JUDGE) const uint JUDGE = 0u;
layout(push_constant, scalar) uniform Push { k_rules_push p; };

#define REDUCE_SUBGROUP SUBGROUP
#define REDUCE_MAX 2u
#include "lib/reduce.glsl"
#include "lib/speech.glsl"

REDUCE_ADD_DEFINE(reduce_both, 2)

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

// What is never allowed goes; what is left of this slice is added up.
void filter_slice(uint64_t logits, uint64_t part, k_speech s, Allowed a)
{
    const uint first = gl_WorkGroupID.x * K_RULES_SLICE;
    float l[K_RULES_SLICE / K_GROUP];
    float text = MINUS_INF, time = MINUS_INF;
    [[unroll]] for (uint i = 0u; i < K_RULES_SLICE / K_GROUP; i++) {
        uint id = first + i * K_GROUP + TID;
        l[i] = NEVER;
        if (id >= p.vocab)
            continue;
        if (allows(a, s, id))
            l[i] = logit(F32s(logits).v[id]);
        F32s(logits).v[id] = l[i];
        if (l[i] == NEVER)
            continue;
        if (id < s.time_0)
            text = max(text, l[i]);
        else
            time = max(time, l[i]);
    }
    text = reduce_max(text, 256u);
    time = reduce_max(time, 256u);
    float sums[2];
    sums[0] = sums[1] = 0.0;
    [[unroll]] for (uint i = 0u; i < K_RULES_SLICE / K_GROUP; i++) {
        bool timed = first + i * K_GROUP + TID >= s.time_0;
        precise float e = l[i] == NEVER ? 0.0 : m_exp(l[i] - (timed ? time : text));
        precise float more = sums[timed ? 1u : 0u] + e;
        sums[timed ? 1u : 0u] = more;
    }
    reduce_both(sums, 256u);
    if (TID == 0u)
        F32x4s(part).v[gl_WorkGroupID.x] = vec4(text, time, sums[0], sums[1]);
}

// The sum of a slice, held against the largest of all instead of its own.
float scaled(float sum, float top, float all)
{
    return top == MINUS_INF ? 0.0 : sum * m_exp(top - all);
}

// All slices together: whether only times are left, and the logarithm.
void judge(uint64_t logits, uint64_t part, Notes note, k_row row, k_seq q, k_speech s)
{
    float text = MINUS_INF, time = MINUS_INF;
    for (uint i = TID; i < p.slices; i += K_GROUP) {
        vec4 of = F32x4s(part).v[i];
        text = max(text, of.x);
        time = max(time, of.y);
    }
    text = reduce_max(text, 256u);
    time = reduce_max(time, 256u);
    float sums[2];
    sums[0] = sums[1] = 0.0;
    for (uint i = TID; i < p.slices; i += K_GROUP) {
        vec4 of = F32x4s(part).v[i];
        precise float text_sum = sums[0] + scaled(of.z, of.x, text);
        precise float time_sum = sums[1] + scaled(of.w, of.y, time);
        sums[0] = text_sum;
        sums[1] = time_sum;
    }
    reduce_both(sums, 256u);

    bool times_only = text == MINUS_INF ||
        (s.timed != 0u && time != MINUS_INF && sums[1] > m_exp(text - time));
    if (times_only) {
        const uint first = gl_WorkGroupID.x * K_RULES_SLICE;
        for (uint id = first + TID; id < min(min(s.time_0, p.vocab), first + K_RULES_SLICE);
             id += K_GROUP)
            F32s(logits).v[id] = NEVER;
    }
    if (TID != 0u || gl_WorkGroupID.x != 0u)
        return;
    precise float top = times_only ? time : max(text, time);
    precise float sum = 0.0;
    if (!times_only)
        sum = sums[0] * m_exp(text - top);
    if (time != MINUS_INF)
        sum = fma(sums[1], m_exp(time - top), sum);
    precise float log_sum = top + m_log(sum);
    note.v = k_note(row.slot, q.n_made, row.next, log_sum);
}

void main()
{
    uint j = gl_WorkGroupID.y;
    Notes note = Notes(p.notes + uint64_t(j) * 16u);
    k_row row = k_row(0u, 0u, K_NO_SLOT, 0u);
    if (j < Steps(p.step).v.n_out)
        row = ROWS(p.step).v[Steps(p.step).v.out_row[j]];
    bool live = row.slot != K_NO_SLOT;
    if (live)
        live = Seqs(p.seqs).v[row.slot].done == K_RUNNING;
    if (!live) { // for the whole workgroup
        if (JUDGE != 0u && TID == 0u && gl_WorkGroupID.x == 0u)
            note.v = k_note(K_NO_SLOT, 0u, 0u, 0.0);
        return;
    }
    k_seq q = Seqs(p.seqs).v[row.slot];
    k_speech s = Speeches(p.speech).v[row.slot];
    uint64_t logits = p.logits + uint64_t(j) * p.vocab * 4u;
    uint64_t part = p.part + uint64_t(j) * p.slices * 16u;
    if (JUDGE != 0u)
        judge(logits, part, note, row, q, s);
    else
        filter_slice(logits, part, s, allowed_by(s, q, row.pos));
}
