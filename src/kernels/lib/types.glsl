// types.glsl - first include of every kernel: extensions, push structs, memory by address, and
// the invocation's number.
//
// Memory is reached through 64-bit addresses: F32(addr).v[i]. An index must stay below 2^31 (it is
// signed to some compilers), so big tensors are addressed by row first and indexed inside it.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

#define TAWNY_GLSL
#include "params.h"

// Invocations of a workgroup; other than K_GROUP only where nothing counts them.
#ifndef LOCAL_SIZE
#define LOCAL_SIZE 256
#endif
layout(local_size_x = LOCAL_SIZE) in;

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer F32s { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer F32x4s { vec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer F32x2s { vec2 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer U32s { uint v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer U32x2s { uvec2 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer U32x4s { uvec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer U16s { uint16_t v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 1) buffer U8s { uint8_t v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer U64s { uint64_t v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Steps { k_step v; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Rows { k_row v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Seqs { k_seq v[]; };

#define ROWS(step) Rows((step) + K_STEP_BYTES)

// The number of an invocation in its workgroup, 0 to 255. Built from the subgroup's numbers, so
// that neighbours in TID are neighbours in a subgroup (pipelines ask for full subgroups). Tests
// build every kernel a second time with the order reversed.
#ifdef REVERSE_TID
#define TID (255u - (gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID))
#else
#define TID (gl_SubgroupID * gl_SubgroupSize + gl_SubgroupInvocationID)
#endif
