// q5_high.glsl - the fifth bits of q5_0 and q5_1: bit i of h belongs to weight i of the block.
// Gives 16 in byte b for each of the bits 4 n + b.
uint q5_high(uint h, uint n)
{
    uint four = h >> (4u * n);
    return (four & 1u) << 4 | (four & 2u) << 11 | (four & 4u) << 18 | (four & 8u) << 25;
}
