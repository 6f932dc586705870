/* The table of case families; a kernel's line goes here. */
#include "cases.h"

const struct check_family check_families[] = {
    {"embed", true, 2, case_embed},
    {"norm", false, 1, case_norm},
    {"matvec", true, 4, case_matvec},
    {"matvec-bits", false, 2, case_matvec_bits},
    {"qkv", true, 4, case_qkv},
    {"qkv-bits", false, 4, case_qkv_bits},
    {"attn", false, 1, case_attn},
    {"attn-bits", false, 2, case_attn_bits},
    {"glu", true, 4, case_glu},
    {"glu-bits", false, 4, case_glu_bits},
    {"matmul", true, 2, case_matmul},
    {"matmul-bits", true, 2, case_matmul_bits},
    {"rope", false, 1, case_rope_append},
    {"flash", false, 2, case_flash},
    {"flash-bits", false, 2, case_flash_bits},
    {"silu", false, 1, case_silu},
    {"repack", true, 1, case_repack},
    {"transpose", false, 1, case_transpose},
    {"bmm", false, 1, case_bmm},
    {0},
};
