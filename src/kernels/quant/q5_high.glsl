// q5_high.glsl - the fifth bits of q5_0 and q5_1: bit i of h belongs to weight i of the block.
// Gives 16 in byte b for each of the bits 4 n + b: the product is four copies of the four bits, 7
// places apart, of which each byte keeps its own.
uint q5_high(uint h, uint n)
{
    return ((h >> (4u * n) & 15u) * 0x00204081u & 0x01010101u) << 4;
}
