#include <math.h>

#include "models/models.h"

/* YaRN (Peng et al., 2023): dimensions that turn often keep their frequency, those that turn
 * less than beta_slow times in the original context are interpolated, those between are mixed. */
static double yarn_share(const struct model_rope *r, uint32_t i)
{
    const double two_pi = 6.28318530717958647692;
    double scale = r->rot / (2 * log(r->base));
    double low = floor(scale * log(r->original_ctx / (r->beta_fast * two_pi)));
    double high = ceil(scale * log(r->original_ctx / (r->beta_slow * two_pi)));
    low = fmax(low, 0);
    high = fmin(high, r->rot - 1.0);
    double y = (i - low) / fmax(high - low, 0.001);
    return 1 - fmin(1, fmax(0, y));
}

void model_rope_table(const struct model_rope *r, uint32_t n_ctx, float *out)
{
    uint32_t half = r->rot / 2;
    double stretch = r->scaling == ROPE_NONE ? 1 : 1.0 / r->factor, magnitude = 1;
    if (r->scaling == ROPE_YARN)
        magnitude = r->attn_factor * (1 + 0.1 * log(r->factor));
    for (uint32_t i = 0; i < half; i++) {
        double freq = pow(r->base, -2.0 * i / r->rot);
        if (r->factors)
            freq /= r->factors[i];
        double share = r->scaling == ROPE_YARN ? yarn_share(r, i) : 0;
        freq = freq * stretch * (1 - share) + freq * share;
        for (uint32_t pos = 0; pos < n_ctx; pos++) {
            float *pair = out + 2 * ((uint64_t)pos * half + i);
            pair[0] = (float)(cos(pos * freq) * magnitude);
            pair[1] = (float)(sin(pos * freq) * magnitude);
        }
    }
}
