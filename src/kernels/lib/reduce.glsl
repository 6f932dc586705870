// reduce.glsl - sums and maxima over groups of invocations, in an order that no device changes.
//
// A group is `lanes` neighbouring invocations (a power of two, 1 to 256). The sum is a butterfly:
// first neighbours, then pairs of pairs, and so on, and every invocation gets the result. Steps
// inside a subgroup are shuffles; the last ones go through shared memory, adding in the same
// tree. Since a + b = b + a in every bit, the result is the same for any subgroup size.
//
// Before the include: REDUCE_SUBGROUP (subgroup size, a constant; 1: no shuffles) and REDUCE_MAX
// (how many values are reduced at once at most; both may be specialisation constants).
// All invocations of the workgroup must call together.

shared float reduce_shared[2u * REDUCE_MAX * (256u / REDUCE_SUBGROUP)];
uint reduce_turn = 0u; // two halves in turn: one barrier a reduction

#define REDUCE_PARTS (256u / REDUCE_SUBGROUP)

// The sum of the n (a constant, a power of two) values at `base`, added as the butterfly does.
float reduce_tree_add(uint base, uint n)
{
    if (n <= 8u) {
        precise float v0 = reduce_shared[base] + reduce_shared[base + 1u];
        if (n >= 4u) {
            precise float v1 = reduce_shared[base + 2u] + reduce_shared[base + 3u];
            v0 = v0 + v1;
        }
        if (n == 8u) {
            precise float v2 = reduce_shared[base + 4u] + reduce_shared[base + 5u];
            precise float v3 = reduce_shared[base + 6u] + reduce_shared[base + 7u];
            v2 = v2 + v3;
            v0 = v0 + v2;
        }
        return v0;
    }
    precise float t[32];
    [[unroll]] for (uint i = 0u; i < min(n, 32u); i++)
        t[i] = reduce_shared[base + i];
    if (n > 32u) { // only without subgroups
        for (uint i = 0u; i < 32u; i++) {
            precise float level[4];
            precise float v = 0.0;
            for (uint j = 0u; j < n / 32u; j++) {
                v = reduce_shared[base + i * (n / 32u) + j];
                uint l = 0u;
                for (uint m = j; (m & 1u) != 0u; m >>= 1) {
                    v = level[l] + v;
                    l++;
                }
                level[l] = v;
            }
            t[i] = v;
        }
    }
    [[unroll]] for (uint s = 1u; s < min(n, 32u); s <<= 1)
        [[unroll]] for (uint i = 0u; i < min(n, 32u); i += 2u * s)
            t[i] = t[i] + t[i + s];
    return t[0];
}

#define REDUCE_SHUFFLES(v, lanes, OP)                                                              \
    [[unroll]] for (uint k = 1u; k < min(lanes, uint(REDUCE_SUBGROUP)); k <<= 1)                   \
    {                                                                                              \
        precise float other = subgroupShuffleXor(v, k);                                            \
        v = OP(v, other);                                                                          \
    }
#define REDUCE_OP_ADD(a, b) (a) + (b)

// reduce_tree_add() where subgroups of 8 or 16 share the work, each value loaded by one invocation.
float reduce_blocks_add(uint base, uint n)
{
    precise float t[4];
    [[unroll]] for (uint k = 0u; k < 4u; k++) {
        t[k] = 0.0;
        if (k < n / REDUCE_SUBGROUP) {
            precise float v = reduce_shared[base + k * REDUCE_SUBGROUP + TID % REDUCE_SUBGROUP];
            REDUCE_SHUFFLES(v, n, REDUCE_OP_ADD)
            t[k] = v;
        }
    }
    precise float low = n / REDUCE_SUBGROUP > 1u ? t[0] + t[1] : t[0];
    precise float high = t[2] + t[3];
    return n / REDUCE_SUBGROUP > 2u ? low + high : low;
}

float reduce_rest_add(uint first, uint n)
{
    bool blocks = n > 8u && REDUCE_SUBGROUP >= 8u;
    return blocks ? reduce_blocks_add(first, n) : reduce_tree_add(first, n);
}

// The largest of the n values at `first`.
float reduce_rest_max(uint first, uint n)
{
    bool share = n > 8u && REDUCE_SUBGROUP >= 8u;
    float v = reduce_shared[share ? first + TID % REDUCE_SUBGROUP : first];
    if (share) {
        for (uint i = REDUCE_SUBGROUP; i < n; i += REDUCE_SUBGROUP)
            v = max(v, reduce_shared[first + i + TID % REDUCE_SUBGROUP]);
        REDUCE_SHUFFLES(v, n, max)
    } else {
        for (uint i = 1u; i < n; i++)
            v = max(v, reduce_shared[first + i]);
    }
    return v;
}

// Combines x[0 .. n) each over its group of `lanes`: OP two values, REST what is left of a group in
// shared memory, n values from the first on.
#define REDUCE_DEFINE(NAME, N, OP, REST)                                                           \
    void NAME(inout float x[N], uint lanes)                                                        \
    {                                                                                              \
        [[unroll]] for (uint j = 0u; j < N; j++) {                                                 \
            precise float v = x[j];                                                                \
            REDUCE_SHUFFLES(v, lanes, OP)                                                          \
            x[j] = v;                                                                              \
        }                                                                                          \
        if (lanes > REDUCE_SUBGROUP) {                                                             \
            uint base = reduce_turn * REDUCE_MAX * REDUCE_PARTS;                                   \
            reduce_turn ^= 1u;                                                                     \
            if (TID % REDUCE_SUBGROUP == 0u)                                                       \
                [[unroll]] for (uint j = 0u; j < N; j++)                                           \
                    reduce_shared[base + j * REDUCE_PARTS + TID / REDUCE_SUBGROUP] = x[j];         \
            barrier();                                                                             \
            uint n = lanes / REDUCE_SUBGROUP;                                                      \
            uint first = TID / lanes * n;                                                          \
            [[unroll]] for (uint j = 0u; j < N; j++)                                               \
                x[j] = REST(base + j * REDUCE_PARTS + first, n);                                   \
        }                                                                                          \
    }

// Sums, and largest values, of x[0 .. n) each over its group.
#define REDUCE_ADD_DEFINE(NAME, N) REDUCE_DEFINE(NAME, N, REDUCE_OP_ADD, reduce_rest_add)
#define REDUCE_MAX_DEFINE(NAME, N) REDUCE_DEFINE(NAME, N, max, reduce_rest_max)

REDUCE_ADD_DEFINE(reduce_add1, 1)
REDUCE_MAX_DEFINE(reduce_max1, 1)

float reduce_add(float v, uint lanes)
{
    float x[1];
    x[0] = v;
    reduce_add1(x, lanes);
    return x[0];
}

// Largest over the group.
float reduce_max(float v, uint lanes)
{
    float x[1];
    x[0] = v;
    reduce_max1(x, lanes);
    return x[0];
}
