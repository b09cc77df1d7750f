# What every leaf CMakeLists.txt uses: packages, and one helper each for a floor and for a test.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

add_library(strads_options INTERFACE)
target_compile_options(strads_options INTERFACE
	-Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
	-Wwrite-strings -Wundef -Wvla
	$<$<BOOL:${STRADS_WERROR}>:-Werror>)
target_compile_definitions(strads_options INTERFACE _GNU_SOURCE)

# strads_floor(NAME SOURCES … PUBLIC floors… PRIVATE libraries…): a static library of one layer.
# Its public headers live in include/strads/ below the calling folder; the folder itself is not on
# any include path of other floors.
function(strads_floor name)
	cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
	add_library(strads_${name} STATIC ${arg_SOURCES})
	file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/strads/*.h)
	target_sources(strads_${name} PUBLIC FILE_SET HEADERS
		BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR}/include FILES ${headers})
	target_link_libraries(strads_${name}
		PUBLIC ${arg_PUBLIC}
		PRIVATE $<BUILD_INTERFACE:strads_options> ${arg_PRIVATE})
	set_target_properties(strads_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

if(STRADS_TESTS)
	pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()

# strads_test(NAME SOURCES … LIBRARIES … LABELS … [ARGS …] [TIMEOUT s]): a CMocka program run by
# CTest; exit 77 is a skip.
function(strads_test name)
	cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBRARIES;LABELS;ARGS;INCLUDES" ${ARGN})
	add_executable(${name} ${arg_SOURCES})
	target_link_libraries(${name} PRIVATE strads_options PkgConfig::CMOCKA ${arg_LIBRARIES})
	target_include_directories(${name} PRIVATE ${arg_INCLUDES})
	add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
	strads_test_properties(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT})
endfunction()

# What all tests have in common, whatever runs them.
function(strads_test_properties name)
	cmake_parse_arguments(arg "" "TIMEOUT" "LABELS" ${ARGN})
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()
	string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
	if("${CMAKE_C_FLAGS_${type}} ${CMAKE_C_FLAGS}" MATCHES "-fsanitize") # up to 20 times slower
		math(EXPR arg_TIMEOUT "5 * ${arg_TIMEOUT}")
	endif()
	# What may take longest is begun first.
	set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77
		TIMEOUT ${arg_TIMEOUT} COST ${arg_TIMEOUT})
endfunction()
