"""What apps call the standard fields of a person: the table that smart mapping reads.

Names are written without case and separators: `firstName`, `first_name` and `First Name` are
`firstname`. A strong one means the field nearly always, a weak one often enough to be proposed.
"""

from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG: Mapping[str, frozenset[str]] = {
    "username": _names(
        "login loginname userlogin userprincipalname upn samaccountname accountname loginid "
        "loginusername"
    ),
    "email": _names(
        "mail emailaddress mailaddress primaryemail primaryemailaddress workemail useremail "
        "emailwork"
    ),
    "first_name": _names("givenname forename fname namefirst namegiven namegivenname"),
    "last_name": _names("surname familyname lname sn lastnames namelast namefamily namefamilyname"),
    "display_name": _names(
        "name fullname realname userfullname formattedname nameformatted namefull "
        "namefullname namedisplay namedisplayname"
    ),
    "phone": _names(
        "phonenumber telephone telephonenumber mobile mobilephone mobilenumber cellphone "
        "workphone phonework businessphone"
    ),
    "role": _names("userrole rolename"),
    "status": _names("userstatus accountstatus"),
    "title": _names("jobtitle position jobposition designation"),
    "department": _names("dept departmentname orgunit organizationalunit"),
    "manager": _names(
        "managername manageremail manageremailaddress supervisor reportsto linemanager "
        "managerdisplayname"
    ),
    "employee_id": _names(
        "employeenumber employeeno empid empno staffid staffnumber personnelnumber workerid"
    ),
}
WEAK: Mapping[str, frozenset[str]] = {
    "username": _names("nickname nick handle screenname alias"),
    "email": frozenset({"contactemail"}),
    "first_name": frozenset({"first"}),
    "last_name": frozenset({"last"}),
    "display_name": _names("label cn"),
    "phone": _names("tel cell"),
    "status": _names("state active enabled isactive isenabled"),
    "title": frozenset({"jobrole"}),
    "department": _names("division team unit"),
}
OTHERS = _names(
    "manager supervisor company organization organisation org account team creator author owner "
    "parent group department assistant emergency created updated modified invited referrer partner "
    "customer tenant workspace project product"
)
"""What lies inside one of these tells of somebody or something else than the user."""
