/* The table of case families; a kernel's line goes here. */
#include "cases.h"

const struct check_family check_families[] = {
    {"embed", true, case_embed},   {"norm", false, case_norm},
    {"matvec", true, case_matvec}, {"matvec-bits", true, case_matvec_bits},
    {"qkv", true, case_qkv},       {"qkv-bits", true, case_qkv_bits},
    {"attn", false, case_attn},    {"attn-bits", false, case_attn_bits},
    {"glu", true, case_glu},       {"glu-bits", true, case_glu_bits},
    {"matmul", true, case_matmul}, {"rope", false, case_rope_append},
    {"flash", false, case_flash},  {"silu", false, case_silu},
    {"repack", true, case_repack}, {"transpose", false, case_transpose},
    {"bmm", false, case_bmm},      {0},
};
