// The kernels of the steps on whole frames, of one instruction set: TOMO_ISA, see kernels.cpp.
#include "prepass_kernels.hpp"

#include "phase.hpp"
#include "zinger.hpp"

namespace tomostream {

#define TOMO_PASTE_(a, b) a##b
#define TOMO_PASTE(a, b) TOMO_PASTE_(a, b)
#define TOMO_QUOTE_(a) #a
#define TOMO_QUOTE(a) TOMO_QUOTE_(a)
const PrepassKernels TOMO_PASTE(prepass_, TOMO_ISA) = {
    TOMO_QUOTE(TOMO_ISA), kWidth,       image_scratch, make_image,
    phase_scratch,        phase_spectrum, phase_groups,  phase_blocks,
    phase_columns,        phase_rows,   phase_columns_back};

}  // namespace tomostream
