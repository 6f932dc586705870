// speech.glsl - what the kernels around the choice of a token share.
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Speeches { k_speech v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Notes { k_note v; };

// A logit as the sampler sees it: within +-1e30, NaN as -1e30, what is below normal numbers as 0.
float logit(float l)
{
    if (abs(l) < uintBitsToFloat(0x00800000u))
        return 0.0;
    return l >= -1e30 ? min(l, 1e30) : -1e30;
}
