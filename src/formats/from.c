/* Values that are not the file's bytes as they lie there. */
#include <string.h>

#include "base/checked.h"
#include "formats/format.h"

enum { CHUNK = 8192 }; /* values */

static float f32_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, rest = h & 0x3ff;
    if (exponent == 31)
        return f32_of_bits(sign | 0x7f800000 | rest << 13);
    if (exponent)
        return f32_of_bits(sign | (exponent + 112) << 23 | rest << 13);
    float f = (float)rest * 0x1p-24f;
    return sign ? -f : f;
}

/* To nearest even; what is too large becomes infinite. */
static uint16_t f16_of_f32(float f)
{
    uint32_t bits, sign;
    memcpy(&bits, &f, sizeof bits);
    sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits < 0x38800000) { /* below 2^-14: adding 0.5 leaves the multiple of 2^-24 below it */
        float sum = f32_of_bits(bits) + 0.5f;
        memcpy(&bits, &sum, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    if (bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}

/* n values, the first of them number `at` of the tensor. */
static void convert(const struct weights_from *from, const void *raw, uint64_t at, uint64_t n,
                    void *out)
{
    const uint16_t *halves = raw;
    const int8_t *small = raw;
    float *floats = out;
    uint16_t *f16 = out;
    for (uint64_t i = 0; i < n; i++) {
        if (from->kind == FROM_F16)
            floats[i] = f32_of_f16(halves[i]);
        else if (from->kind == FROM_BF16)
            floats[i] = f32_of_bits((uint32_t)halves[i] << 16);
        else
            f16[i] = f16_of_f32((float)small[i] / from->scales[(at + i) / from->row]);
    }
}

enum status from_read(const struct file *f, const struct weights_tensor *t, uint64_t offset,
                      uint64_t bytes, void *dst)
{
    uint16_t raw[CHUNK];
    uint32_t made[CHUNK];
    unsigned char *to = dst;
    const struct weights_from *from = t->from;
    if (from->kind == FROM_MEMORY) {
        memcpy(dst, (const char *)from->memory + offset, bytes);
        return OK;
    }
    uint64_t in = from->kind == FROM_I8 ? 1 : 2, out = 2 * in;
    while (bytes) {
        uint64_t first = offset / out, skip = offset % out, n = div_up(skip + bytes, out);
        if (n > CHUNK)
            n = CHUNK;
        TRY(file_read(f, t->offset + first * in, n * in, raw));
        convert(from, raw, first, n, made);
        uint64_t got = n * out - skip < bytes ? n * out - skip : bytes;
        memcpy(to, (const char *)made + skip, got);
        to += got;
        offset += got;
        bytes -= got;
    }
    return OK;
}
