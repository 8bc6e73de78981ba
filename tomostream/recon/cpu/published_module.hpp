#pragma once
#include <nanobind/nanobind.h>

namespace tomostream {

void bind_published(nanobind::module_& module);

}  // namespace tomostream
