// pieces.glsl - rows of weights in pieces of 8, for kernels that go through tiles of a matrix.
//
// A piece is 8 weights of one run of a chunk (see quants.glsl), numbered chunk by chunk: piece i
// stands for columns piece_column(i) and the seven after it, each column in one piece. Needs
// quants.glsl and the constants TYPE, N (rows) and K (length of a row).
const uint PIECES = (K + 7u) / 8u;

// First column of a piece.
uint piece_column(uint piece)
{
    if (Q_CHUNK(TYPE) < 8u)
        return 8u * piece;
    const uint parts = max(Q_CHUNK(TYPE) / 8u, 1u);
    const uint len = Q_CHUNK(TYPE) / Q_RUNS(TYPE);
    uint at = piece % parts * 8u;
    return q_column(TYPE, piece / parts, at / len) + at % len;
}

// What 8 weights of `raw` from number 8 part on are.
void piece_decode(raw_block raw, uint chunk, const uint part, out float v[8])
{
    const uint len = Q_CHUNK(TYPE) / Q_RUNS(TYPE);
    float q[32];
    vec2 scale, minus;
    q_decode(TYPE, raw, chunk, q, scale, minus);
    const uint run = part * 8u / len;
    [[unroll]] for (uint i = 0u; i < 8u; i++) {
        v[i] = q[part * 8u + i];
        if (Q_MIN(TYPE) != 0)
            v[i] = fma(scale[run], v[i], -minus[run]);
        else if (Q_SCALED(TYPE) != 0)
            v[i] = scale[run] * v[i];
    }
}

// Piece number `piece` of row `row` of the matrix at w; what lies beyond the row is 0.
void piece_load(uint64_t w, uint row, uint piece, out float v[8])
{
    if (Q_CHUNK(TYPE) < 8u) {
        float q[32];
        vec2 scale, minus;
        [[unroll]] for (uint half_piece = 0u; half_piece < 2u; half_piece++) {
            uint chunk = 2u * piece + half_piece;
            raw_block raw = q_load(TYPE, w, N, K, row, min(chunk, K / 4u - 1u));
            q_decode(TYPE, raw, chunk, q, scale, minus);
            [[unroll]] for (uint i = 0u; i < 4u; i++)
                v[4u * half_piece + i] = chunk < K / 4u ? q[i] : 0.0;
        }
        return;
    }
    const uint parts = max(Q_CHUNK(TYPE) / 8u, 1u);
    uint chunk = piece / parts, part = piece % parts;
    raw_block raw = q_load(TYPE, w, N, K, row, chunk);
    // One copy of the decoder a part, so that each decodes its own 8 weights only.
    if (part == 0u)
        piece_decode(raw, chunk, 0u, v);
    else if (part == 1u)
        piece_decode(raw, chunk, 1u, v);
    else if (part == 2u)
        piece_decode(raw, chunk, 2u, v);
    else
        piece_decode(raw, chunk, 3u, v);
}

// A piece as f16, held to what f16 can hold.
uvec4 piece_half(float v[8])
{
    uvec4 h;
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        h[i] = packHalf2x16(clamp(vec2(v[2u * i], v[2u * i + 1u]), -65504.0, 65504.0));
    return h;
}
