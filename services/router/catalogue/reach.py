"""Owns proving that every category can be found: its own words lead the rules to it."""

from services.router.catalogue.check import Tables
from services.router.catalogue.entries import Category
from services.router.catalogue.whole import Catalogue
from services.router.classifier import Classifier, Message


def check_reach(tables: Tables, catalogue: Catalogue) -> None:
    """A category is reached when its name, or one of its keywords alone, puts it among the candidates."""
    classifier = Classifier(catalogue)
    for row, category in tables.categories:
        if category.code in catalogue.categories and not _reached(category, classifier):
            row.wrong(
                "keywords", "neither its name nor a keyword leads the rules to it", "名称与关键词均不能使规则命中本项"
            )


def _reached(category: Category, classifier: Classifier) -> bool:
    said = (category.name, *(word.replace("+", "，") for word in category.keywords))
    return any(_leads(text, category.code, classifier) for text in said)


def _leads(text: str, code: str, classifier: Classifier) -> bool:
    found = classifier.classify(Message(text=text, type_code=None))
    return any(candidate.category_code == code for candidate in found.candidates)
