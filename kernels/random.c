#include "strads/random.h"

#include <Random123/philox.h>

uint64_t
strads_random(uint64_t seed, uint64_t stream, uint64_t index)
{
	philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
	philox4x32_ctr_t counter = {
	    {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
	philox4x32_ctr_t out = philox4x32(counter, key);

	return (uint64_t)out.v[1] << 32 | out.v[0];
}
