/* kv.h - keys and values in pages, for the references; the layout is k_qkv_push's. */
#ifndef TAWNY_CHECK_KV_H
#define TAWNY_CHECK_KV_H

#include "linear.h"

struct check_kv {
    uint64_t pages; /* U64[slots][max_pages] */
    uint32_t max_pages, offset;
    uint32_t kv_heads, head_dim;
    bool half; /* queries and what check_attend() makes of them are f16 */
};

/* Where the key and the value of a position lie, for KV head `head`; 0 after a failure. */
uint64_t check_kv_key(struct check_mem *mem, const struct check_kv *kv, uint32_t slot, uint32_t pos,
                      uint32_t head);
uint64_t check_kv_value(struct check_mem *mem, const struct check_kv *kv, uint32_t slot,
                        uint32_t pos, uint32_t head);

/* Rotates one head of `head_dim` values by RoPE: table row `pos` of rot / 2 pairs {cos, sin}. */
enum status check_rotate(struct check_mem *mem, uint64_t table, uint32_t pos, uint32_t rot,
                         bool neox, struct check_sum *head);

/* Attention of one row over positions 0..row->pos of its slot; q: f32 (f16 with kv->half)
 * [heads][head_dim] at address q, the same at out. */
enum status check_attend(struct check_mem *mem, const struct check_kv *kv,
                         const struct check_row *row, uint32_t heads, float scale, uint64_t q,
                         uint64_t out);

/* Calls fn with each row of a rope dispatch that is live, on all processors; the queries of the
 * others may become anything. */
typedef enum status (*check_rope_row)(const struct plan_op *op, struct check_mem *mem, uint32_t i,
                                      const struct check_row *row);
enum status check_rope_rows(const struct plan_op *op, struct check_mem *mem, check_rope_row fn);

#endif
