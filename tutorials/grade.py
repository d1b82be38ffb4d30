"""Grade a class: run the exercises in submitted files, one process per student.

    python -m tutorials.grade FOLDER

FOLDER holds a folder for each student, or files with the students' names: notebooks and
Python files. The grades are written into it, grades.csv, and the class's mistakes,
grades.html. Until all students are graded, they are called grades.part.csv and
grades.part.html, and those of an earlier run stay.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from minidl.parallel import available_cores
from minidl.parallel.progress import progress
from minidl.store.files import check_writable
from tutorials.command_line import (
    a_path,
    check_installed,
    number_of_processes,
    one_line_errors,
    parser_of,
)
from tutorials.grading.page import write_csv, write_page
from tutorials.grading.processes import Grader, Student
from tutorials.grading.submissions import OURS, submissions


def graded(
    files: dict[str, list[Path]], grader: Grader, jobs: int
) -> Iterator[list[Student]]:
    """Yield all students graded so far, in their order, whenever one is finished."""
    done: dict[str, Student] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            works = [pool.submit(grader.grade, *item) for item in files.items()]
            for work in as_completed(works):
                student = work.result()
                done[student.name] = student
                yield [done[name] for name in files if name in done]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            grader.end()
            raise


def main(argv: Sequence[str] | None = None) -> None:
    """Grade the submissions in the folder that the command line names."""
    parser = parser_of("tutorials.grade", __doc__)
    parser.add_argument("folder", type=a_path, metavar="FOLDER")
    parser.add_argument("--jobs", type=number_of_processes, default=available_cores())
    args = parser.parse_args(argv)
    table, page, part, part_page = (args.folder / name for name in OURS)
    with one_line_errors(parser.prog, lambda: f"who is graded is in {part}"):
        check_installed("markdown_it", "tutorials", "the page")
        files, others = submissions(args.folder)
        check_writable("FOLDER", args.folder)
        students = graded(files, Grader(args.folder), args.jobs)
        for done in progress(students, len(files), "students"):
            write_csv(done, part)
            write_page(done, others, part_page)
        part.replace(table)
        part_page.replace(page)
        who = "1 student is" if len(files) == 1 else f"{len(files)} students are"
        print(f"{who} graded: {table}, {page}")


if __name__ == "__main__":
    main()
