// lstm.comp - a recurrent layer, step by step in one workgroup: see k_lstm_push.
#include "lib/types.glsl"
#include "lib/math.glsl"

layout(constant_id = K_LSTM_HIDDEN) const uint N = 128u;
layout(push_constant, scalar) uniform Push { k_lstm_push p; };

shared float h[K_GROUP], gates[4u * K_GROUP];

void main()
{
    precise float c = 0.0;
    if (TID < N) {
        h[TID] = F32s(p.state).v[TID];
        c = F32s(p.state).v[N + TID];
    }
    for (uint t = 0u; t < p.steps; t++) {
        uint64_t x = p.x + uint64_t(t) * (16u * N);
        barrier(); // every h is there
        for (uint j = TID; j < 4u * N; j += K_GROUP) {
            precise float sum = F32s(x).v[j] + F32s(p.b).v[j];
            for (uint k = 0u; k < N; k++)
                sum = fma(F32s(p.w).v[k * (4u * N) + j], h[k], sum);
            gates[j] = sum;
        }
        barrier(); // every gate is there
        if (TID < N) {
            precise float add = m_sigmoid(gates[TID]) * m_tanh(gates[2u * N + TID]);
            c = fma(m_sigmoid(gates[N + TID]), c, add);
            if (abs(c) < uintBitsToFloat(0x0d800000u)) // 2^-100
                c = 0.0;
            precise float y = m_sigmoid(gates[3u * N + TID]) * m_tanh(c);
            h[TID] = y;
            F32s(p.dst + uint64_t(t) * (4u * N)).v[TID] = y;
        }
    }
    if (TID < N) {
        F32s(p.state).v[TID] = h[TID];
        F32s(p.state).v[N + TID] = c;
    }
}
