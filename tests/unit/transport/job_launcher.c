/* What is concluded from the environment that launchers leave. */
#include "job/launcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

static int
set_up(void **state)
{
	static const char *const names[] = {
	    "OMPI_COMM_WORLD_SIZE",
	    "OMPI_COMM_WORLD_RANK",
	    "PMIX_RANK",
	    "PMI_RANK",
	    "PMI_SIZE",
	    "SLURM_PROCID",
	    "SLURM_NTASKS",
	    "SLURM_STEP_NUM_TASKS",
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	return 0;
}

static void
launcher__none(void **state)
{
	(void)state;
	assert_false(strads_launcher_present());
	assert_false(strads_launcher_misfit(0));
	assert_false(strads_launcher_misfit(1));
}

static void
launcher__mpirun(void **state)
{
	(void)state;
	setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
	setenv("OMPI_COMM_WORLD_RANK", "2", 1);
	assert_true(strads_launcher_present());
	assert_false(strads_launcher_misfit(0));
	assert_false(strads_launcher_misfit(4));
	assert_true(strads_launcher_misfit(1));
	assert_int_equal(strads_launcher_complain(1), 0); /* rank 0 speaks and fails */
	setenv("OMPI_COMM_WORLD_RANK", "0", 1);
	assert_int_equal(strads_launcher_complain(1), 1);
}

static void
launcher__mpirun_of_another_mpi(void **state)
{
	(void)state;
	setenv("PMI_RANK", "0", 1);
	setenv("PMI_SIZE", "2", 1);
	assert_true(strads_launcher_present());
	assert_true(strads_launcher_misfit(1));
}

static void
launcher__mpirun_inside_an_allocation(void **state)
{
	(void)state;
	setenv("SLURM_PROCID", "0", 1);
	setenv("SLURM_NTASKS", "8", 1);
	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	assert_false(strads_launcher_misfit(0));
	assert_false(strads_launcher_misfit(2));
}

static void
launcher__srun_with_pmix(void **state)
{
	(void)state;
	setenv("SLURM_PROCID", "1", 1);
	setenv("SLURM_NTASKS", "8", 1);
	setenv("SLURM_STEP_NUM_TASKS", "4", 1);
	setenv("PMIX_RANK", "1", 1);
	assert_true(strads_launcher_present());
	assert_false(strads_launcher_misfit(0));
	assert_false(strads_launcher_misfit(4));
}

static void
launcher__srun_without_pmix(void **state)
{
	(void)state;
	setenv("SLURM_PROCID", "0", 1);
	setenv("SLURM_NTASKS", "4", 1);
	assert_true(strads_launcher_present());
	assert_true(strads_launcher_misfit(0));
	assert_int_equal(strads_launcher_complain(0), 1);
}

static void
launcher__srun_of_one_task(void **state)
{
	(void)state;
	setenv("SLURM_PROCID", "0", 1);
	setenv("SLURM_NTASKS", "1", 1);
	assert_false(strads_launcher_present());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(launcher__none, set_up),
	    cmocka_unit_test_setup(launcher__mpirun, set_up),
	    cmocka_unit_test_setup(launcher__mpirun_of_another_mpi, set_up),
	    cmocka_unit_test_setup(launcher__mpirun_inside_an_allocation, set_up),
	    cmocka_unit_test_setup(launcher__srun_with_pmix, set_up),
	    cmocka_unit_test_setup(launcher__srun_without_pmix, set_up),
	    cmocka_unit_test_setup(launcher__srun_of_one_task, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
