"""The report of a sizing study: one record, written as a PDF and as a workbook, the same bytes each time.

Needs typst and XlsxWriter (`pip install "afterbay[report]"`), which are imported only when a file is written.
"""

from afterbay.sizing.report.document import write_pdf
from afterbay.sizing.report.money import Money, money_of
from afterbay.sizing.report.parts import Assumption, Column, Figure, Picture, Table
from afterbay.sizing.report.pictures import PICTURES, lifetime_pictures, pictures_of, standard_pictures
from afterbay.sizing.report.study import Study, study_of
from afterbay.sizing.report.workbook import SHEETS, write_workbook

__all__ = [
    "PICTURES",
    "SHEETS",
    "Assumption",
    "Column",
    "Figure",
    "Money",
    "Picture",
    "Study",
    "Table",
    "lifetime_pictures",
    "money_of",
    "pictures_of",
    "standard_pictures",
    "study_of",
    "write_pdf",
    "write_workbook",
]
