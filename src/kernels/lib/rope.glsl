// rope.glsl - rotary position embedding (Su et al., 2021) of one pair, and f16 into KV pages.

// The pair turned by the angle whose cosine and sine are given.
vec2 rope_turn(float x0, float x1, vec2 cos_sin)
{
    precise float a = x1 * cos_sin.y;
    precise float b = x1 * cos_sin.x;
    precise vec2 y = vec2(fma(x0, cos_sin.x, -a), fma(x0, cos_sin.y, b));
    return y;
}

// Address of the page that holds a position of a slot, at this layer.
uint64_t kv_page(uint64_t pages, uint max_pages, uint kv_offset, uint slot, uint pos)
{
    uint at = slot * max_pages + min(pos / K_PAGE_TOKENS, max_pages - 1u);
    return U64s(pages).v[at] + kv_offset;
}
