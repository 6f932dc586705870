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

float reduce_tree_add(uint base, uint n)
{
    precise float v = reduce_shared[base];
    if (n == 2u) {
        v = v + reduce_shared[base + 1u];
    } else if (n == 4u) {
        precise float w = reduce_shared[base + 2u] + reduce_shared[base + 3u];
        v = v + reduce_shared[base + 1u];
        v = v + w;
    } else if (n > 4u) {
        // Each invocation walks the tree with a stack of partial sums, one a level.
        float level[9];
        for (uint i = 0u; i < n; i++) {
            v = reduce_shared[base + i];
            uint l = 0u;
            for (uint m = i; (m & 1u) != 0u; m >>= 1) {
                v = level[l] + v;
                l++;
            }
            level[l] = v;
        }
    }
    return v;
}

#define REDUCE_SHUFFLES(v, lanes, OP)                                                              \
    [[unroll]] for (uint k = 1u; k < min(lanes, uint(REDUCE_SUBGROUP)); k <<= 1)                   \
    {                                                                                              \
        precise float other = subgroupShuffleXor(v, k);                                            \
        v = OP(v, other);                                                                          \
    }
#define REDUCE_OP_ADD(a, b) (a) + (b)

// Adds x[0 .. n) each over its group of `lanes`.
#define REDUCE_ADD_DEFINE(NAME, N)                                                                 \
    void NAME(inout float x[N], uint lanes)                                                        \
    {                                                                                              \
        [[unroll]] for (uint j = 0u; j < N; j++) {                                                 \
            precise float v = x[j];                                                                \
            REDUCE_SHUFFLES(v, lanes, REDUCE_OP_ADD)                                               \
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
                x[j] = reduce_tree_add(base + j * REDUCE_PARTS + first, n);                        \
        }                                                                                          \
    }

// Largest over the group.
float reduce_max(float v, uint lanes)
{
    REDUCE_SHUFFLES(v, lanes, max)
    if (lanes > REDUCE_SUBGROUP) {
        uint base = reduce_turn * REDUCE_MAX * REDUCE_PARTS;
        reduce_turn ^= 1u;
        if (TID % REDUCE_SUBGROUP == 0u)
            reduce_shared[base + TID / REDUCE_SUBGROUP] = v;
        barrier();
        uint n = lanes / REDUCE_SUBGROUP;
        uint first = base + TID / lanes * n;
        for (uint i = 0u; i < n; i++)
            v = max(v, reduce_shared[first + i]);
    }
    return v;
}

REDUCE_ADD_DEFINE(reduce_add1, 1)

float reduce_add(float v, uint lanes)
{
    float x[1];
    x[0] = v;
    reduce_add1(x, lanes);
    return x[0];
}
